import fc from 'fast-check'
import { expect, it } from 'vitest'
import { accepted, gallery, openDesk } from '../../test/support/desk.ts'
import type { Stored } from './declaration.ts'
import type { Gallery } from './gallery-schema.ts'
import { shareAction } from './gallery-sharing.ts'
import { valueAt } from './paths.ts'

const ids = Array.from({ length: 8 }, (_, at) => `abcdef0${at}-0000-4000-8000-00000000000${at}`)
const spelled = fc
  .tuple(fc.constantFrom(...ids), fc.boolean())
  .map(([id, loud]) => (loud ? id.toUpperCase() : id))
const types = ['Subscriptions', 'AADTenants'] as const
const update = fc.record({
  operationType: fc.constantFrom('Add', 'Add', 'Remove'),
  groups: fc.array(
    fc.record({ type: fc.constantFrom(...types), ids: fc.array(spelled, { maxLength: 4 }) }),
    { maxLength: 3 },
  ),
})
type Update = typeof update extends fc.Arbitrary<infer Value> ? Value : never

function sharedGallery() {
  const desk = openDesk()
  const sharingProfile = { permissions: 'Groups' }
  accepted(desk.put(gallery, { location: 'westeurope', properties: { sharingProfile } }))
  return desk
}

/** By type, the ids in lower case with the spelling that came first. */
function applied(model: Map<string, Map<string, string>>, { operationType, groups }: Update): void {
  for (const { type, ids: sent } of groups) {
    const held = model.get(type) ?? new Map<string, string>()
    for (const id of sent) {
      const key = id.toLowerCase()
      if (operationType === 'Remove') held.delete(key)
      else if (!held.has(key)) held.set(key, id)
    }
    model.set(type, held)
  }
}

it('whatever is added and removed, in whatever case, a gallery is shared with what a model says', () => {
  fc.assert(
    fc.property(fc.array(update, { maxLength: 12 }), (updates) => {
      const desk = sharedGallery()
      const model = new Map<string, Map<string, string>>()
      let shares: readonly unknown[] = []
      for (const one of updates) {
        const stored = desk.rowAt(gallery) as unknown as Stored<Gallery>
        if (shareAction.problems(stored, one, desk.settings).length > 0) continue
        const effects = shareAction.effects?.(stored, one, { now: new Date(0) })
        desk.edit(gallery, { status: { ...stored.status, ...effects?.status } })
        shares = effects?.shares ?? []
        applied(model, one)
      }
      const shown = desk.get(gallery, '2024-03-03', '$select=Permissions')
      const groups = valueAt(shown, 'properties.sharingProfile.groups') ?? []
      const byType = (of: readonly (readonly [string, readonly string[]])[]) =>
        Object.fromEntries(of.filter(([, each]) => each.length > 0))
      const told = (groups as { type: string; ids: string[] }[]).map(
        (group) => [group.type, group.ids] as const,
      )
      const wanted = [...model].map(([type, held]) => [type, [...held.values()]] as const)
      expect(byType(told)).toEqual(byType(wanted))
      expect(shares).toHaveLength(wanted.flatMap(([, each]) => each).length)
    }),
  )
})
