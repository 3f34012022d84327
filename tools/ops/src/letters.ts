/** A dead letter as a service tells of it: see `GET /ops/v1/dead-letters`. */
export interface Letter {
  id: string;
  status: 'OPEN' | 'REPLAYED' | 'DISCARDED';
  kind: 'event' | 'command' | 'reply';
  topic: string;
  partition: number;
  offset: string;
  key: string;
  type?: string;
  messageId?: string;
  reason: string;
  error: string;
  attempts: number;
  createdAt: string;
  settledAt?: string;
  note?: string;
  waitsFor?: string;
  behind: number;
  traceId?: string;
  replayTraceId?: string;
}

export type WholeLetter = Letter & { headers: Record<string, string>; payload: string };

export interface Settlement {
  letters: { id: string; outcome: 'REPLAYED' | 'DUPLICATE' | 'FAILED' | 'DISCARDED' | 'ALREADY'; error?: string }[];
  left: number;
  next?: string;
}
