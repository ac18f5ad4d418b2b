/** Which values of a host are secrets, and how texts are shown without them. */
import { isMapping } from './template-python.ts';
import { NeedsFacts, TemplateError, type Variables } from './template-values.ts';

const SECRET_NAME = /(?:^|_)(?:auth_pass|pass|passwd|password|passphrase|secret|token|private_key|api_key)$/i;
const MASK = '********';

/** True for names whose values are never shown: `auth_pass`, `vrrp_pass`, `ansible_become_password`, … */
function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Every secret value among the variables, at any depth; what cannot be templated yet is left out. */
export function secrets(variables: Variables): readonly string[] {
  const found = new Set<string>();
  for (const name of variables.names()) {
    if (name === 'hostvars' || name === 'vars' || name === 'groups') continue;
    try {
      collect(name, variables.get(name), found);
    } catch (thrown) {
      if (!(thrown instanceof NeedsFacts || thrown instanceof TemplateError)) throw thrown;
    }
  }
  return [...found];
}

function collect(name: string, value: unknown, found: Set<string>): void {
  if (isSecretName(name) && (typeof value === 'string' || typeof value === 'number')) {
    if (String(value) !== '') found.add(String(value));
  } else if (Array.isArray(value)) {
    for (const item of value) collect(name, item, found);
  } else if (isMapping(value)) {
    for (const [key, item] of Object.entries(value)) collect(key, item, found);
  }
}

/**
 * The text with secrets masked: what follows a secret's name on a line (`auth_pass 1234`, `password: x`), and each
 * of `values` where it stands as a word of its own.
 */
export function redactSecrets(text: string, values: readonly string[] = []): string {
  const named = text.replaceAll(
    /^(\s*["']?(?:\w+_)?(?:pass|passwd|password|passphrase|secret|token|private_key|api_key)["']?(?:\s*[:=]\s*|[ \t]+))(\S.*)$/gim,
    (_line, head: string) => head + MASK,
  );
  return [...values]
    .sort((a, b) => b.length - a.length)
    .reduce((shown, value) => {
      const word = value.replaceAll(/[\\^$.|?*+()[\]{}-]/g, String.raw`\$&`);
      return shown.replaceAll(new RegExp(`(?<![\\w])${word}(?![\\w])`, 'g'), MASK);
    }, named);
}
