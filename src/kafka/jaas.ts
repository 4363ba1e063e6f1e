/**
 * The options of the one login module that `sasl.jaas.config` names:
 * `class required|requisite|sufficient|optional name=value ...;`, values quoted where they hold anything but word
 * characters, a backslash before a quote or backslash in them.
 */
export function parseJaas(text: string): Readonly<Record<string, string>> {
  const options: Record<string, string> = {};
  for (const [, name, double, single, plain] of text.matchAll(OPTION)) {
    const quoted = double ?? single;
    options[name!] = quoted === undefined ? plain! : quoted.replace(/\\(.)/g, '$1');
  }
  return options;
}

const OPTION = /([\w.-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))/g;
