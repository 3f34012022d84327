import { bookTrip } from '../test/trip.js';
import { saga } from './definition.js';
import { toMermaid } from './mermaid.js';

const nothing = () => Promise.resolve();

it('draws the way forward, the pivot, and each compensation where its failure leads', () => {
  expect(toMermaid(bookTrip({ note: nothing, strike: nothing, close: nothing, reject: nothing }))).toBe(
    [
      'flowchart TD',
      '  start(["book-trip.v1"]) --> s0',
      '  s0["book hotel"] --> s1',
      '  s1["note trip"] --> s2',
      '  s2["book flight"] --> s3',
      '  s3{{"pivot: pay"}} --> s4',
      '  s4["issue tickets"] --> s5',
      '  s5["close trip"] --> completed',
      '  completed(["COMPLETED"])',
      '  s0 -. refused .-> rejected',
      '  s0 -. times out .-> u0',
      '  s1 -. refused .-> u0',
      '  s1 -. times out .-> u1',
      '  s2 -. refused .-> u1',
      '  s2 -. times out .-> u2',
      '  s3 -. refused .-> u2',
      '  u0[/"undo: book hotel"/] --> rejected',
      '  u1[/"undo: note trip"/] --> u0',
      '  u2[/"undo: book flight"/] --> u1',
      '  rejected(["COMPENSATED, onRejected"])',
      '',
    ].join('\n'),
  );
});

it('draws a saga without a pivot, and names with quotes', () => {
  expect(toMermaid(saga('talk.v1').step('say "hi"', { do: nothing }))).toBe(
    [
      'flowchart TD',
      '  start(["talk.v1"]) --> s0',
      '  s0["say #quot;hi#quot;"] --> completed',
      '  completed(["COMPLETED"])',
      '  s0 -. fails .-> rejected',
      '  rejected(["COMPENSATED"])',
      '',
    ].join('\n'),
  );
});
