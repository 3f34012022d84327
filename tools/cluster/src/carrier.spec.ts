import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseCarrier, rememberingKafka } from './carrier.js';
import { dropHome, type Home, openHome } from './home.js';
import { Scope } from './scope.js';

describe('what carries messages', () => {
  let directory: string;
  let home: Home;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-carrier-'));
    home = openHome(directory);
  });
  beforeEach(() => dropHome(home));
  afterAll(() => rmSync(directory, { recursive: true }));

  const kafka = () => chooseCarrier({ options: { kafka: { choose: 'java' } }, home, scope: new Scope() });
  const memory = () => chooseCarrier({ options: { kafka: { choose: 'memory' } }, home, scope: new Scope() });
  const started = () => rememberingKafka(home, () => Promise.resolve('up'));
  const refusal = /was last used with Kafka, .* without it \(--kafka memory\) they would be missing\. .* --fresh$/;

  it('is changed to Kafka at any time', async () => {
    expect(await memory()).toEqual({ kafka: false, why: '--kafka memory' });
    expect(await memory()).toMatchObject({ kafka: false });
    expect(await kafka()).toEqual({ kafka: true });
  });

  it('is not changed from Kafka: what nobody has read there is in no outbox', async () => {
    await kafka();
    await started();
    await expect(memory()).rejects.toThrow(refusal);
    await expect(memory()).rejects.toThrow(refusal);
    expect(await kafka()).toEqual({ kafka: true });
    dropHome(home);
    expect(await memory()).toMatchObject({ kafka: false });
  });

  it('is not changed from the Kafka that data from before this choice had', async () => {
    mkdirSync(home.postgres, { recursive: true });
    await expect(memory()).rejects.toThrow(refusal);
    rmSync(home.postgres, { recursive: true });
  });

  it('is still free when Kafka did not even start', async () => {
    await kafka();
    mkdirSync(home.postgres, { recursive: true });
    await expect(rememberingKafka(home, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await memory()).toMatchObject({ kafka: false });
    rmSync(home.postgres, { recursive: true });
  });
});
