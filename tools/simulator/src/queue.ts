/** Something that is to happen. */
export interface Event {
  readonly at: number;
  /** Of two at one time the one that was planned first comes first. */
  readonly number: number;
  fire: (() => void) | undefined;
}

/** A binary heap of events, by time. */
export class EventQueue {
  private readonly heap: Event[] = [];
  private planned = 0;

  get size(): number {
    return this.heap.length;
  }

  add(at: number, fire: () => void): Event {
    const event = { at, number: this.planned++, fire };
    const { heap } = this;
    let place = heap.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
    return event;
  }

  take(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.number < b.number);
