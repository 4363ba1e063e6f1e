/** Names and texts in commands that take no parameters: replication and publication commands. */

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Only for servers with standard_conforming_strings, which replication connections always have. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
