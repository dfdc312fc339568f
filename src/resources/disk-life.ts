import type { ResourceType } from './declaration.ts'
import { accessActions } from './disk-access.ts'
import { diskEffects } from './disk-effects.ts'
import { diskNeeds, diskProblems } from './disk-rules.ts'
import type { Disk } from './disk-schema.ts'
import { completeDisk, shownDisk } from './disk-shown.ts'

type Life =
  | 'operations'
  | 'complete'
  | 'needs'
  | 'problems'
  | 'effects'
  | 'remove'
  | 'actions'
  | 'show'

/** What disks and snapshots have in common: how they are made, changed, read through a SAS, shown and removed. */
export function diskLife(type: string): Pick<ResourceType<Disk>, Life> {
  return {
    operations: {
      flavour: 'disk',
      create: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
      update: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
      delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
      shows: { create: 'Updating', update: 'Updating' },
    },
    complete: completeDisk,
    needs: diskNeeds,
    problems: diskProblems,
    effects: diskEffects,
    remove: ({ key, generation }) => [
      { kind: 'Remove', subject: key, queue: 'control', generation: generation + 1, key },
    ],
    actions: accessActions(type),
    show: shownDisk,
  }
}
