import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** The file that makes a folder of libs/, apps/ or tools/ a project the compiler builds. */
const projectFile = 'tsconfig.lib.json';
const groups = ['libs', 'apps', 'tools'];

/** What is built from what, as the compiler is told: the references between the projects' `tsconfig.lib.json`. */
export class ProjectGraph {
  /** @param references by a project's folder, such as `apps/cart`, the folders it refers to */
  constructor(private readonly references: ReadonlyMap<string, readonly string[]>) {}

  /** A project and all it is built from, directly or not, sorted. */
  closure(project: string): string[] {
    const found = new Set<string>();
    const visit = (one: string) => {
      if (found.has(one)) return;
      found.add(one);
      for (const next of this.references.get(one) ?? []) visit(next);
    };
    visit(project);
    return [...found].sort();
  }

  /** The project a file belongs to, both from the workspace's root: `libs/saga` of `libs/saga/src/runtime.ts`. */
  projectOf(file: string): string | undefined {
    const project = file.split('/').slice(0, 2).join('/');
    return this.references.has(project) ? project : undefined;
  }
}

/** Reads the graph of a workspace. @throws for a `tsconfig.lib.json` that is no JSON */
export function readGraph(root: string): ProjectGraph {
  const folders = groups.flatMap((group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => `${group}/${name}`) : [],
  );
  const projects = folders.filter((folder) => existsSync(join(root, folder, projectFile)));
  return new ProjectGraph(new Map(projects.map((project) => [project, referencesOf(root, project)])));
}

function referencesOf(root: string, project: string): string[] {
  const { references = [] } = JSON.parse(readFileSync(join(root, project, projectFile), 'utf8')) as { references?: { path: string }[] };
  return references.map(({ path }) =>
    relative(root, dirname(join(root, project, path)))
      .split(sep)
      .join('/'),
  );
}
