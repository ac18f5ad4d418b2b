/** A diagnosis as lines for people. Pure. */
import type { Diagnosis, Finding, Hearing } from '#provision/model/diagnosis.ts';
import type { Examination } from '#provision/model/examination.ts';
import type { Paint, Tone } from './color.ts';

const TONES: Record<Finding['severity'] | 'fine', Tone> = {
  fine: 'good',
  note: 'dim',
  degraded: 'change',
  broken: 'bad',
  unreachable: 'bad',
};

export function doctorLines(
  diagnosis: Diagnosis,
  hosts: readonly string[],
  examinations: ReadonlyMap<string, Examination>,
  paint: Paint,
): string[] {
  const { cluster, health, hearings, findings } = diagnosis;
  return [
    `${paint('strong', cluster)}: ${paint(TONES[health], health)}`,
    ...hosts.map(host => `  ${host}  ${hostLine(examinations.get(host))}`),
    ...[...new Set(hearings.map(({ instance }) => instance))].map(
      instance =>
        `  ${instance}: ${hearingLine(
          hearings.filter(each => each.instance === instance),
          paint,
        )}`,
    ),
    ...findings.flatMap(finding => findingLines(finding, paint)),
  ];
}

function hostLine(examination: Examination | undefined): string {
  if (examination?.kind !== 'seen') return examination?.kind ?? 'not asked';
  const { facts, clock } = examination;
  const ahead = clock && Math.round(clock.aheadMs / 100) / 10;
  const time = ahead === undefined ? '' : `, clock ${ahead < 0 ? '' : '+'}${(ahead + 0).toFixed(1)} s`;
  return `reached, ${facts.os.id} ${facts.os.versionId}, Linux ${facts.kernel}${time}`;
}

/** All directions at once if all are fine. */
function hearingLine(hearings: readonly Hearing[], paint: Paint): string {
  if (hearings.every(({ heard }) => heard)) return paint('good', 'every member hears every other');
  return hearings
    .map(({ from, to, heard }) =>
      heard ? `${to} hears ${from}` : paint('bad', `${to} does not hear ${from}`),
    )
    .join(', ');
}

function findingLines({ severity, host, instance, message, hint }: Finding, paint: Paint): string[] {
  const about = [host, instance].filter(word => word !== undefined).join(' ');
  return [
    `  ${paint(TONES[severity], severity)}: ${about}${about === '' ? '' : ': '}${message}`,
    ...(hint === undefined ? [] : [`      ${hint}`]),
  ];
}
