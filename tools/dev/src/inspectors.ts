import { inspectorPort, readManifests } from '@ballast/cluster';

/** Where each service's inspector is, for a person. */
export async function inspectorLines(portOffset: number): Promise<string> {
  const manifests = await readManifests();
  const ports = manifests.map(({ name, port }) => `${name} :${inspectorPort(port + portOffset)}`);
  const attach = portOffset === 0 ? '; VS Code: "Run and Debug" attaches to one or all' : '';
  return `  inspectors ${ports.join(', ')} on 127.0.0.1${attach}`;
}
