import { unless } from '../domain/problem.ts'
import { parseVersionName, versionSortKey } from '../domain/version-name.ts'
import type { ResourceType } from './declaration.ts'

/** What versions of images and of applications have in common: their bytes are replicated, and they are named and ordered as requirement 24 says. */
export function replicatedVersions(what: string, target: string) {
  return {
    lists: ['parent'],
    tracked: true,
    hasReplicas: true,
    nameProblems: (name) =>
      unless(
        parseVersionName(name) !== undefined,
        'InvalidParameter',
        target,
        `The ${what} is invalid. The ${what} should follow Major(int).Minor(int).Patch(int) format, where int is between 0 and 2,147,483,647 (inclusive). For e.g: 1.0.0, 2018.12.1 etc.`,
      ),
    nameSort: (name) => {
      const parsed = parseVersionName(name)
      return parsed ? versionSortKey(parsed) : name.toLowerCase()
    },
  } satisfies Partial<ResourceType>
}
