import { describe, expect, test } from 'vitest';
import { helpText, parseDaemonFlags } from './flags.ts';
import { UsageError } from './options.ts';

function run(...argv: string[]) {
  const invocation = parseDaemonFlags(argv, {});
  if (invocation.kind !== 'run') throw new Error(`read as ${invocation.kind}`);
  return invocation.flags;
}

describe('the command line', () => {
  test('as an operator of keepalived writes it', () => {
    expect(run('-nlD', '-f', 'a.conf', '-S6', '--pid=x.pid', '-i', 'ka67')).toMatchObject({
      configFile: 'a.conf',
      logConsole: true,
      logDetail: true,
      facility: 22,
      pidFile: 'x.pid',
      configId: 'ka67',
      configTest: undefined,
    });
    expect(run('-t', '--accept-harmless').acceptHarmless).toBe(true);
    expect(run('--metrics-port=9650').metricsPort).toBe(9650);
    expect(run('--use-file=b.conf').configFile).toBe('b.conf');
    expect(run('-fc.conf', '-f', 'd.conf').configFile).toBe('d.conf');
  });

  test.each([
    [['-t'], ''],
    [['-tlog'], 'log'],
    [['--config-test'], ''],
    [['--config-test=log'], 'log'],
    [['-lt'], ''],
  ])('%j checks the configuration', (argv, expected) => {
    expect(run(...argv).configTest).toBe(expected);
  });

  test.each([
    ['local0', 16],
    ['7', 23],
    ['daemon', 3],
    ['user', 1],
  ])('facility %s', (text, expected) => {
    expect(run('-S', text).facility).toBe(expected);
  });

  test.each([
    [['--nope'], 'unknown option --nope'],
    [['-nZ'], 'unknown option -Z'],
    [['-f'], '-f needs a value (FILE)'],
    [['--log-detail=2'], '--log-detail takes no value'],
    [['-S', '9'], '-S 9: expected 0-7'],
    [['--metrics-port=65536'], '--metrics-port 65536: expected 1-65535'],
    [['--metrics-port=http'], '--metrics-port http: expected 1-65535'],
    [['start'], 'unexpected argument "start"'],
    [['--', '-f'], 'unexpected argument "-f"'],
  ])('%j is wrong usage', (argv, message) => {
    expect(() => run(...argv)).toThrow(UsageError);
    expect(() => run(...argv)).toThrow(message);
  });

  test('systemd names the runtime directory', () => {
    const invocation = parseDaemonFlags([], { RUNTIME_DIRECTORY: '/run/x' });
    expect(invocation).toMatchObject({ flags: { runDir: '/run/x' } });
    expect(run('--run-dir', '/y').runDir).toBe('/y');
  });

  test('the help lists every option and has examples', () => {
    expect(helpText()).toContain('-S, --log-facility=0-7|local0-7|user|daemon');
    expect(helpText()).toContain('Examples:');
  });
});
