import { connect } from 'node:net';
import { parseAnswer, type Answer } from './shop.js';

/** Sends these very bytes, which no HTTP client would, and reads one answer. */
export async function rawRequest(url: string, head: string[], body: Buffer | string = ''): Promise<Answer<unknown>> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer to ${head[0]}`)));
  socket.write(`${[...head, `host: ${hostname}`, 'connection: close'].join('\r\n')}\r\n\r\n`, 'latin1');
  if (body.length > 0) socket.write(body);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer);
  } catch (error) {
    if (chunks.length === 0) throw error; // who answers before the body is in may cut the connection afterwards
  }
  const [top = '', ...rest] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n');
  const [statusLine = '', ...lines] = top.split('\r\n');
  const headers = new Headers(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const) as [string, string][],
  );
  const text = rest.join('\r\n\r\n');
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: parseAnswer(headers.get('transfer-encoding') === 'chunked' ? dechunked(text) : text),
  };
}

function dechunked(text: string): string {
  const bytes = Buffer.from(text);
  let out = '';
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.subarray(at, end).toString(), 16);
    if (!size) return out;
    out += bytes.subarray(end + 2, end + 2 + size).toString();
    at = end + 2 + size + 2;
  }
}
