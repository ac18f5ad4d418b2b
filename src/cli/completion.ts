/** Completion for bash, zsh and fish, made of the commands and options that commander has. */
import type { Argument, Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What follows an option or stands alone: words to choose from, a path, something that nobody can know, or nothing. */
type Value = readonly string[] | 'path' | 'unknown' | 'none';

interface Node {
  /** Words up to here, such as `tandem lab up`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly about: string;
    readonly value: Value;
  }[];
  /** What its arguments are. */
  readonly argument: Value;
}

/** Names that stand for paths in help. */
const PATHS = /^(?:FILE|PATH|PLAYBOOK|SOURCE|DIR)$/;

/** The text that the shell sources. */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, program.name());
  return { bash, zsh, fish }[shell](nodes, program.name());
}

function nodesOf(command: Command, path: string): readonly Node[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const node: Node = {
    path,
    commands: commands.map(each => ({ name: each.name(), about: firstSentence(each.description()) })),
    options: help.visibleOptions(command).map(option => ({
      flags: [option.short, option.long].filter(flag => flag !== undefined && flag !== null),
      about: option.description,
      value: valueOf(option),
    })),
    argument: command.registeredArguments.map(argumentOf).find(value => value !== 'unknown') ?? 'none',
  };
  return [node, ...commands.flatMap(each => nodesOf(each, `${path} ${each.name()}`))];
}

function valueOf(option: Option): Value {
  if (option.argChoices) return option.argChoices;
  if (!option.required && !option.optional) return 'none';
  return PATHS.test(/<([^>.]+)/.exec(option.flags)?.[1] ?? '') ? 'path' : 'unknown';
}

function argumentOf(argument: Argument): Value {
  return argument.argChoices ?? (PATHS.test(argument.name()) ? 'path' : 'unknown');
}

function firstSentence(text: string): string {
  return text.replace(/[.:;] .*$|\.$/s, '');
}

/** One word for a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The flags of a node that take a value, as patterns of a `case` over "PATH FLAG". */
function takingValue(nodes: readonly Node[], which: (value: Value) => boolean): readonly string[] {
  return nodes.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== 'none' && which(value))
      .flatMap(({ flags }) => flags.map(flag => `${path} ${flag}`)),
  );
}

/** Lines of a `case`, the same in bash and zsh, that `act` when the word matches one of the patterns. */
function branch(patterns: readonly string[], act: string): readonly string[] {
  return patterns.length === 0 ? [] : [`    ${patterns.map(quoted).join('|')}) ${act} ;;`];
}

/** Flags with words to choose from. */
function choosing(nodes: readonly Node[]): readonly (readonly [pattern: string, words: readonly string[]])[] {
  return nodes.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) =>
      typeof value === 'string' ? [] : flags.map(flag => [`${path} ${flag}`, value] as const),
    ),
  );
}

function bash(nodes: readonly Node[], name: string): string {
  const words = (node: Node): string => {
    const given = typeof node.argument === 'string' ? [] : node.argument;
    const standing = [...node.commands.map(each => each.name), ...given].join(' ');
    const flags = node.options.flatMap(option => option.flags).join(' ');
    return `    ${quoted(node.path)}) standing=${quoted(standing)} flags=${quoted(flags)} paths=${node.argument === 'path' ? 1 : ''} ;;`;
  };
  const flagsWithChoices = choosing(nodes).map(
    ([pattern, choices]) =>
      `    ${quoted(pattern)}) COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$cur")); return ;;`,
  );
  return `# bash completion for ${name}: source <(${name} completion bash)
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} where=${name} skip= i standing= flags= paths=
  # --option=VALUE comes in three words.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ $skip && \${COMP_WORDS[i]} == = ]]; then continue; fi
    if [[ $skip ]]; then skip=; continue; fi
    case "$where \${COMP_WORDS[i]}" in
${branch(
  nodes.slice(1).map(node => node.path),
  'where="$where ${COMP_WORDS[i]}"',
)
  .concat(
    branch(
      takingValue(nodes, () => true),
      'skip=1',
    ),
  )
  .map(line => `  ${line}`)
  .join('\n')}
    esac
  done
  COMPREPLY=()
  case "$where $prev" in
${[
  ...flagsWithChoices,
  ...branch(
    takingValue(nodes, value => value === 'path'),
    'compopt -o filenames; local IFS=$\'\\n\'; COMPREPLY=($(compgen -f -- "$cur")); return',
  ),
  ...branch(
    takingValue(nodes, value => value === 'unknown'),
    'return',
  ),
].join('\n')}
  esac
  case "$where" in
${nodes.map(words).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ $paths ]]; then
    compopt -o filenames
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$standing" -- "$cur"))
  fi
}
complete -F _${name} ${name}
`;
}

function zsh(nodes: readonly Node[], name: string): string {
  const described = (word: string, about: string): string =>
    quoted(`${word.replaceAll(':', String.raw`\:`)}:${about}`);
  const act = (node: Node): string => {
    const flags = node.options.flatMap(option => option.flags.map(flag => described(flag, option.about)));
    const commands = node.commands.map(each => described(each.name, each.about));
    const standing =
      node.argument === 'path'
        ? '_files'
        : typeof node.argument === 'string'
          ? commands.length > 0
            ? '_describe command commands'
            : ':'
          : `compadd -- ${node.argument.map(quoted).join(' ')}`;
    return `    ${quoted(node.path)})
      flags=(${flags.join(' ')})
      commands=(${commands.join(' ')})
      if [[ $words[CURRENT] == -* ]]; then _describe -o option flags; else ${standing}; fi ;;`;
  };
  return `#compdef ${name}
# zsh completion for ${name}: source <(${name} completion zsh), after compinit
_${name}() {
  local where=${name} skip= i
  local -a flags commands
  for ((i = 2; i < CURRENT; i++)); do
    if [[ -n $skip ]]; then skip=; continue; fi
    case "$where $words[i]" in
${branch(
  nodes.slice(1).map(node => node.path),
  'where="$where $words[i]"',
)
  .concat(
    branch(
      takingValue(nodes, () => true),
      'skip=1',
    ),
  )
  .map(line => `  ${line}`)
  .join('\n')}
    esac
  done
  case "$where $words[CURRENT-1]" in
${[
  ...choosing(nodes).map(
    ([pattern, words]) => `    ${quoted(pattern)}) compadd -- ${words.map(quoted).join(' ')}; return ;;`,
  ),
  ...branch(
    takingValue(nodes, value => value === 'path'),
    '_files; return',
  ),
  ...branch(
    takingValue(nodes, value => value === 'unknown'),
    'return',
  ),
].join('\n')}
  esac
  case "$where" in
${nodes.map(act).join('\n')}
  esac
}
compdef _${name} ${name}
`;
}

function fish(nodes: readonly Node[], name: string): string {
  const at = (node: Node): string => `complete -c ${name} -n ${quoted(`__${name}_at ${quoted(node.path)}`)}`;
  const lines = nodes.flatMap(node => [
    ...(node.argument === 'path' ? [`${at(node)} -F`] : []),
    ...(typeof node.argument === 'string' ? [] : [`${at(node)} -a ${quoted(node.argument.join(' '))}`]),
    ...node.commands.map(each => `${at(node)} -a ${quoted(each.name)} -d ${quoted(each.about)}`),
    ...node.options.map(({ flags, about, value }) => {
      const spelled = flags
        .map(flag => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        .join(' ');
      const takes =
        value === 'none'
          ? ''
          : value === 'path'
            ? ' -rF'
            : value === 'unknown'
              ? ' -x'
              : ` -xa ${quoted(value.join(' '))}`;
      return `${at(node)} ${spelled}${takes} -d ${quoted(about)}`;
    }),
  ]);
  const valued = takingValue(nodes, () => true).map(quoted);
  return `# fish completion for ${name}: ${name} completion fish | source
function __${name}_at
  set -l where ${name}
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- "$where $word" ${nodes
      .slice(1)
      .map(node => quoted(node.path))
      .join(' ')}
      set where "$where $word"
    else if contains -- "$where $word" ${valued.join(' ')}
      set skip 1
    end
  end
  test "$where" = "$argv[1]"
end
complete -c ${name} -f
${lines.join('\n')}
`;
}
