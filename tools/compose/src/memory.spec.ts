import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { parse } from 'yaml';

interface Service {
  extends?: { file?: string; service: string };
  profiles?: string[];
  restart?: string;
  mem_limit?: string;
}

const read = (file: string) => readFileSync(join(workspaceRoot(), file), 'utf8');
const servicesIn = (file: string) => {
  const { services } = parse(read(`infra/compose/${file}`), { merge: true, logLevel: 'error' }) as { services: Record<string, Service> };
  return services;
};
const unlessSet = (name: string) => name.replace(/\$\{\w+:-(.*)\}/, '$1');

/** A service with what it extends, as far as this test asks. */
function whole(file: string, name: string): Service {
  const { extends: base, ...own } = servicesIn(file)[name]!;
  return base ? { ...whole(base.file ?? file, unlessSet(base.service)), ...own } : own;
}

const { include } = parse(read('docker-compose.yml')) as { include: string[] };
const all = include
  .map((path) => basename(path))
  .flatMap((file) => Object.keys(servicesIn(file)).map((name) => ({ name, ...whole(file, name) })));
/** A service without a profile is in every one. */
const of = (...profiles: string[]) => all.filter((service) => service.profiles?.some((each) => profiles.includes(each)) ?? true);
/** What has to be there all the time; the rest does its work and ends. */
const stays = ({ restart }: Service) => restart === 'unless-stopped';
const megabytes = ({ mem_limit: limit = '' }: Service) => Number(/^(\d+)m$/.exec(limit)?.[1]);

const promised = /Lite takes at most (\d+) GB of memory, ha at most (\d+) GB/.exec(read('docs/guides/compose.md'))!;

describe('memory', () => {
  it.each([
    ['lite', of('lite'), promised[1]],
    ['ha, with the log engine', of('ha', 'logs'), promised[2]],
  ])('the limits of %s add up to no more than docs/guides/compose.md says', (_, services, gigabytes) => {
    const sum = services.filter(stays).reduce((total, service) => total + megabytes(service), 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThanOrEqual(Number(gigabytes) * 1024);
  });

  it('is limited in every container', () => {
    expect(all.filter((service) => !(megabytes(service) > 0))).toEqual([]);
  });

  it('is not counted for jobs that end', () => {
    const jobs = of('lite', 'ha', 'logs').filter((service) => !stays(service));
    expect(jobs.map(({ name }) => name).sort()).toEqual(['databases', 'init', 'seed']);
  });
});
