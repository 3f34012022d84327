import { memoryLine } from './summary.js';

describe('the memory of a run', () => {
  it.each([
    ['java', false, '1200 MB PSS, all processes together'],
    ['docker', false, '1200 MB PSS, all processes together, without Kafka in Docker'],
    ['external', true, '1200 MB PSS, all processes together, without the external Kafka and Jaeger in Docker'],
  ] as const)('says what it does not count with Kafka %s', (kind, inDocker, text) =>
    expect(memoryLine(1200 * 1024 * 1024, { kafka: { kind }, traces: { inDocker } })).toBe(text),
  );

  it('is not told where the kernel does not say it', () =>
    expect(memoryLine(undefined, { kafka: { kind: 'java' }, traces: {} })).toBe('n/a'));
});
