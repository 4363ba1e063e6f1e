/** Log4j's configuration for the servers that are written in Java: everything to the console. */
export const LOGGING = {
  status: 'warn',
  'appender.c.type': 'Console',
  'appender.c.name': 'C',
  'appender.c.layout.type': 'PatternLayout',
  'appender.c.layout.pattern': '[%d] %p %m (%c)%n',
  'rootLogger.level': 'INFO',
  'rootLogger.appenderRef.c.ref': 'C',
};

/** A Java properties file. */
export function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
