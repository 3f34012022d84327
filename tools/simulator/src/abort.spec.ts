import { LightAbortController } from './abort.js';

/** What the simulator gives the services in the place of Node's own is held to it. */
describe.each([
  ["Node's", AbortController],
  ["the simulator's", LightAbortController as unknown as typeof AbortController],
])('%s AbortController', (_, Controller) => {
  const controller = () => new Controller();

  it('aborts once, with the first reason', () => {
    const one = controller();
    expect(one.signal).toMatchObject({ aborted: false, reason: undefined });
    one.signal.throwIfAborted();
    const reason = new Error('enough');
    one.abort(reason);
    one.abort(new Error('too late'));
    expect(one.signal.aborted).toBe(true);
    expect(one.signal.reason).toBe(reason);
    expect(() => one.signal.throwIfAborted()).toThrow(reason);
  });

  it('has an AbortError for a reason when it is given none, always the same', () => {
    const one = controller();
    one.abort();
    expect(one.signal.reason).toMatchObject({ name: 'AbortError' });
    expect(one.signal.reason).toBe(one.signal.reason);
  });

  it('tells each listener, in their order, once, with the signal as the target', () => {
    const one = controller();
    const heard: unknown[] = [];
    const first = ({ target }: Event) => heard.push('first', target === one.signal);
    one.signal.addEventListener('abort', first, { once: true });
    one.signal.addEventListener('abort', first, { once: true });
    one.signal.addEventListener('abort', ({ type }) => heard.push(type, one.signal.aborted));
    one.abort();
    one.abort();
    expect(heard).toEqual(['first', true, 'abort', true]);
  });

  it('leaves out who was taken off, also by another listener, and who comes when it is over', () => {
    const one = controller();
    const heard: string[] = [];
    const gone = () => heard.push('gone');
    const robbed = () => heard.push('robbed');
    const late = () => heard.push('late');
    one.signal.addEventListener('abort', gone);
    one.signal.addEventListener('abort', () => {
      heard.push('heard');
      one.signal.removeEventListener('abort', robbed);
      one.signal.addEventListener('abort', late);
    });
    one.signal.addEventListener('abort', robbed);
    one.signal.removeEventListener('abort', gone);
    one.signal.removeEventListener('abort', late);
    one.abort();
    one.abort();
    expect(heard).toEqual(['heard']);
  });
});
