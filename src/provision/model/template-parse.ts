/**
 * Template text → nunjucks's syntax tree, with Jinja2's lexical rules and precedence where nunjucks's differ. The only
 * importer of nunjucks; its compiler, runtime, filters and tests are not used, so no template can reach JavaScript.
 */
import nunjucks from 'nunjucks';
import { WholeFloat } from './template-values.ts';

/** A node of nunjucks's tree; `lineno` and `colno` count from 0. Which fields are there depends on `typename`. */
export interface TemplateNode {
  readonly typename: string;
  readonly lineno: number;
  readonly colno: number;
  readonly children?: readonly TemplateNode[];
  readonly value?: unknown;
  readonly [field: string]: unknown;
}

/** A template that cannot be compiled; line and column count from 1 within the text. */
export class TemplateSyntaxError extends Error {
  override name = 'TemplateSyntaxError';
  readonly line: number;
  readonly column: number;
  readonly hint: string | undefined;

  constructor(reason: string, line: number, column: number, hint?: string) {
    super(reason);
    this.line = line;
    this.column = column;
    this.hint = hint;
  }
}

interface Token {
  readonly type: string;
  value: unknown;
  readonly lineno: number;
  readonly colno: number;
}

interface Tokenizer {
  index: number;
  lineno: number;
  colno: number;
  in_code: boolean;
  nextToken(): Token | null;
  forward(): void;
  current(): string;
}

interface ParserBase {
  readonly tokens: Tokenizer;
  parseRaw(tagName?: string): TemplateNode;
  skip(type: string): boolean;
  skipValue(type: string, value: string): boolean;
  peekToken(): Token | null;
  nextToken(): Token | null;
  fail(message: string): never;
  parseSignature(): TemplateNode;
  parseExpression(): TemplateNode;
  parseUnary(noFilters?: boolean): TemplateNode;
  parseAsRoot(): TemplateNode;
}

type NodeClass = new (lineno: number, colno: number, ...fields: unknown[]) => TemplateNode;
type NodeName =
  'Add' | 'Sub' | 'Mul' | 'Div' | 'FloorDiv' | 'Mod' | 'Pow' | 'Concat' | 'FunCall' | 'LookupVal' | 'Literal';

/** What we use of nunjucks beyond its published types. */
const { lexer, parser, nodes } = nunjucks as unknown as {
  lexer: { lex(text: string, options: object): Tokenizer };
  parser: { Parser: new (tokens: Tokenizer) => ParserBase };
  nodes: Record<NodeName, NodeClass>;
};

/** Where a text comes from: a file of the `template` module, or a YAML value, where Ansible keeps backslashes as they are. */
export type TemplateKind = 'file' | 'value';

/** nunjucks gives `+ - * / // %` six levels; Python has two, left to right: `7 * 3 // 2` is 10. */
class JinjaParser extends parser.Parser {
  /** The level below comparison; nunjucks begins with `~`, which binds more tightly in Jinja2. */
  parseConcat(): TemplateNode {
    return this.leftToRight({ '+': nodes.Add, '-': nodes.Sub }, () => this.parseJoined());
  }

  parseJoined(): TemplateNode {
    let node = this.parseMul();
    while (this.skip('tilde')) node = new nodes.Concat(node.lineno, node.colno, node, this.parseMul());
    return node;
  }

  parseMul(): TemplateNode {
    const operators = { '*': nodes.Mul, '/': nodes.Div, '//': nodes.FloorDiv, '%': nodes.Mod };
    return this.leftToRight(operators, () => this.leftToRight({ '**': nodes.Pow }, () => this.parseUnary()));
  }

  leftToRight(operators: Readonly<Record<string, NodeClass>>, operand: () => TemplateNode): TemplateNode {
    let node = operand();
    for (;;) {
      const found = Object.entries(operators).find(([text]) => this.skipValue('operator', text));
      if (!found) return node;
      node = new found[1](node.lineno, node.colno, node, operand());
    }
  }

  /** nunjucks skips `{% endraw %}` without its tokenizer, and so without `trim_blocks`. */
  override parseRaw(tagName?: string): TemplateNode {
    const node = super.parseRaw(tagName);
    if (this.tokens.current() === '\n') this.tokens.forward();
    return node;
  }

  /** Calls, `.name`, `.0`, `[index]` and `[from:to:step]`. */
  parsePostfix(operand: TemplateNode | null): TemplateNode | null {
    let node = operand;
    for (let token = this.peekToken(); node && token; token = this.peekToken()) {
      const { lineno, colno } = token;
      if (token.type === 'left-paren') {
        node = new nodes.FunCall(lineno, colno, node, this.parseSignature());
      } else if (token.type === 'left-bracket') {
        this.nextToken();
        node = this.parseSubscript(node, lineno, colno);
      } else if (this.skipValue('operator', '.')) {
        const name = this.nextToken();
        if (name?.type !== 'symbol' && name?.type !== 'int') this.fail('expected a name after the point');
        const key = name?.type === 'int' ? Number(name.value) : name?.value;
        node = new nodes.LookupVal(lineno, colno, node, new nodes.Literal(lineno, colno, key));
        Object.assign(node, { dotted: true });
      } else {
        break;
      }
    }
    return node;
  }

  parseSubscript(target: TemplateNode, lineno: number, colno: number): TemplateNode {
    const bounds: (TemplateNode | null)[] = [null];
    for (;;) {
      if (this.skip('colon')) bounds.push(null);
      else if (this.skip('right-bracket')) break;
      else if (bounds.at(-1) === null) bounds[bounds.length - 1] = this.parseExpression();
      else this.fail('expected ] after the index');
    }
    if (bounds.length > 3) this.fail('a slice has at most three parts');
    if (bounds.length > 1) return { typename: 'Slice', lineno, colno, target, bounds };
    if (bounds[0] === null) this.fail('expected an index between [ and ]');
    return new nodes.LookupVal(lineno, colno, target, bounds[0]);
  }
}

/** Parses template text. Throws {@link TemplateSyntaxError}. */
export function parseTemplate(text: string, kind: TemplateKind): TemplateNode {
  const tokens = lexer.lex(text, { trimBlocks: true });
  strictTokens(tokens, text, kind);
  try {
    return new JinjaParser(tokens).parseAsRoot();
  } catch (thrown) {
    if (thrown instanceof TemplateSyntaxError || !(thrown instanceof Error)) throw thrown;
    const at = thrown as Error & { lineno?: number; colno?: number };
    const place = locate(text, tokens.index);
    const reason = thrown.message
      .replace(/^\([^)]*\)\s*(?:\[[^\]]*\])?\s*/, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
    throw new TemplateSyntaxError(reason, at.lineno ?? place.line, at.colno ?? place.column, hintFor(reason));
  }
}

function hintFor(reason: string): string | undefined {
  const tag = /unknown block tag: (\w+)/.exec(reason)?.[1];
  if (tag === undefined) {
    return reason === 'unexpected end of comment'
      ? `write {{ '#}' }} for a #} that is no comment's end`
      : undefined;
  }
  if (tag.startsWith('end')) return `there is no open {% ${tag.slice(3)} %}`;
  return `known are if, for, set, macro, filter, include and raw`;
}

/**
 * Wraps the tokenizer: Python's string escapes, closed strings, no tokens that Jinja2 does not have, `}}` that closes
 * two maps, and `trim_blocks` after comments but not after `{% raw %}`.
 */
function strictTokens(tokens: Tokenizer, text: string, kind: TemplateKind): void {
  const next = tokens.nextToken.bind(tokens);
  let openMaps = 0;
  let lastSymbol: unknown;
  tokens.nextToken = () => {
    const from = tokens.index;
    const token = next();
    if (!token) return token;
    checkToken(token, text.slice(from, tokens.index), kind);
    if (token.type === 'left-curly') openMaps++;
    else if (token.type === 'right-curly') openMaps--;
    else if (token.type === 'variable-start' || token.type === 'block-start') openMaps = 0;
    else if (token.type === 'symbol') lastSymbol = token.value;
    else if (token.type === 'comment' && text[tokens.index] === '\n') tokens.forward();
    else if (token.type === 'block-end' && lastSymbol === 'raw' && text[tokens.index - 1] === '\n') {
      tokens.index--;
      tokens.lineno--;
    } else if (token.type === 'variable-end' && token.value === '}}' && openMaps > 0) {
      openMaps--;
      tokens.index--;
      tokens.colno--;
      tokens.in_code = true;
      return { ...token, type: 'right-curly', value: '}' };
    }
    return token;
  };
}

function checkToken(token: Token, raw: string, kind: TemplateKind): void {
  const refuse = (reason: string, hint?: string): never => {
    throw new TemplateSyntaxError(reason, token.lineno + 1, token.colno + 1, hint);
  };
  if (token.type === 'string') {
    if (raw.length < 2 || raw.at(-1) !== raw[0]) refuse('a text without its closing quote');
    const octal = kind === 'file' ? /^(?:[^\\]|\\[^0-7])*\\([0-7])/.exec(raw)?.[1] : undefined;
    if (octal !== undefined)
      refuse(
        `in a template file \\${octal} is the character with that octal number, as in Python, not a group of a pattern`,
        `write \\\\${octal}; only in YAML values does Ansible keep single backslashes`,
      );
    token.value =
      kind === 'file' ? unescape(raw.slice(1, -1)) : raw.slice(1, -1).replaceAll(/\\(['"])/g, '$1');
  } else if (token.type === 'float' && Number.isInteger(Number(raw))) {
    // The parser takes the value of a text as it is, and so keeps that this is a float.
    Object.assign(token, { type: 'string', value: new WholeFloat(Number(raw)) });
  } else if (token.type === 'regex') {
    refuse('r/…/ is not Jinja2', "give the pattern as text: regex_search('…')");
  } else if (token.type === 'operator' && (raw === '===' || raw === '!==')) {
    refuse(`${raw} is not Jinja2`, `write ${raw.slice(0, 2)}`);
  } else if (token.type === 'symbol' && !/^[A-Za-z_]\w*$/.test(raw)) {
    refuse(`unexpected '${raw}'`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  '\n': '',
};

/** Python's escapes; an unknown one keeps its backslash, so that `'\d'` is a pattern for a digit. */
function unescape(body: string): string {
  return body.replaceAll(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([\s\S]))/g,
    (whole, hex2: string | undefined, hex4: string | undefined, letter: string | undefined) => {
      const hex = hex2 ?? hex4;
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return (letter === undefined ? undefined : ESCAPES[letter]) ?? whole;
    },
  );
}

function locate(text: string, index: number): { line: number; column: number } {
  const before = text.slice(0, index);
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
}
