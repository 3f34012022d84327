import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A span as it came over the wire. */
export interface ReceivedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Absent on the root of a trace. */
  parentSpanId?: string;
  /** OTLP's numbers: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  attributes: Record<string, unknown>;
  failed: boolean;
}

export interface SpanReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`, together with `OTEL_EXPORTER_OTLP_PROTOCOL=http/json`. */
  url: string;
  /** The variables a child process needs to export here, at once rather than every five seconds. */
  env: Record<string, string>;
  spans(): ReceivedSpan[];
  close(): Promise<void>;
}

/** A collector for tests: takes OTLP over HTTP as JSON on a free local port and keeps every span in memory. */
export async function spanReceiver(): Promise<SpanReceiver> {
  const received: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      try {
        received.push(...readSpans(JSON.parse(body) as TraceExport));
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      } catch {
        response.writeHead(400).end('OTEL_EXPORTER_OTLP_PROTOCOL must be http/json');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '50' },
    spans: () => [...received],
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface AnyValue {
  stringValue?: string;
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
  arrayValue?: { values: AnyValue[] };
}
interface KeyValue {
  key: string;
  value: AnyValue;
}
interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes?: KeyValue[];
  status?: { code?: number };
}
interface TraceExport {
  resourceSpans: { resource?: { attributes: KeyValue[] }; scopeSpans: { spans: WireSpan[] }[] }[];
}

function readSpans(body: TraceExport): ReceivedSpan[] {
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource?.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId, kind, attributes, status }) => ({
        service,
        name,
        traceId,
        spanId,
        ...(parentSpanId && { parentSpanId }),
        kind,
        attributes: attributesOf(attributes),
        failed: status?.code === 2,
      })),
    );
  });
}

const attributesOf = (pairs: KeyValue[] = []) => Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)]));

function plain(value: AnyValue): unknown {
  if (value.arrayValue) return value.arrayValue.values.map(plain);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? (value.intValue === undefined ? undefined : Number(value.intValue));
}
