/** A request that cannot be carried out, with the HTTP status and the message that Kafka Connect has for it. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RequestError';
    this.status = status;
  }
}

export function connectorNotFound(name: string): RequestError {
  return new RequestError(404, `Connector ${name} not found`);
}
