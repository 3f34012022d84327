import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asEnvironment } from './kafka-docker.js';
import { workspaceRoot } from './workspace.js';

describe('Kafka in Docker', () => {
  it('takes the settings of the one on Java, by the names of its image', () => {
    const environment = asEnvironment(readFileSync(join(workspaceRoot(), 'infra/kafka/server.properties'), 'utf8'));
    expect(environment).toMatchObject({
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      // Half of its heap by default: it ran out of memory in the integration tests.
      KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE: '16777216',
    });
    expect(Object.keys(environment).filter((name) => !/^KAFKA_[A-Z_]+$/.test(name))).toEqual([]);
  });

  it('has a setting that it could not be told refused', () => {
    expect(() => asEnvironment('node.id=1\nlog.dirs = /data\n')).toThrow(
      'a setting of Kafka that cannot be told to its image: log.dirs = /data',
    );
  });
});
