import { sql } from 'kysely'
import type { Digest } from '../domain/digest.ts'
import { Unavailable } from '../domain/errors.ts'
import { imageOwner, type Owner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { locksRows } from './locks-rows.ts'
import { prepared } from './prepared.ts'
import type { Db, Schema } from './schema.ts'
import { pagesOf } from './values.ts'

const workHead = 'work:'
/** No work has it: what such an owner references is swept. */
const noWork = 0

const takesMax = 5

const finders = new WeakMap<Db, ReturnType<typeof ownerFinders>>()

function ownerFinders(db: Db) {
  const named = (name: string) => db.selectFrom('owners').select('id').where('name', '=', name)
  return {
    alone: prepared(db, ({ name }: { name: string }) =>
      named(name).$if(locksRows(db), (query) => query.forUpdate()),
    ),
    shared: prepared(db, ({ name }: { name: string }) =>
      named(name).$if(locksRows(db), (query) => query.forShare()),
    ),
  }
}

function findersOf(db: Db) {
  const found = finders.get(db) ?? ownerFinders(db)
  finders.set(db, found)
  return found
}

/** The number of an owner's row, locked; undefined when it references nothing. */
export async function findOwner(db: Db, owner: string): Promise<number | undefined> {
  return (await findersOf(db).alone({ name: owner })).rows[0]?.id
}

/**
 * The same for one who only adds to it: many may at once, and none while somebody drops it. Whoever holds it so must not
 * drop it in the same transaction: two who did would wait for each other.
 */
export async function holdOwner(db: Db, owner: string): Promise<number | undefined> {
  return (await findersOf(db).shared({ name: owner })).rows[0]?.id
}

/** The number of a work's row as an owner, made when it is new. Images become owners by `sealOwner` alone. */
export async function takeWorkOwner(db: Db, owner: Owner): Promise<number | undefined> {
  if (!owner.startsWith(workHead)) return findOwner(db, owner)
  const workId = Number(owner.slice(workHead.length))
  return takeOwner(db, {
    name: owner,
    work_id: Number.isSafeInteger(workId) ? workId : noWork,
    space: null,
    image: null,
  })
}

/** Records that the image lies complete in the space; its row is its owner. */
export function takeImageOwner(
  db: Db,
  { space, image }: { readonly space: SpaceId; readonly image: Digest },
): Promise<number> {
  return takeOwner(db, { name: imageOwner(space, image), work_id: null, space, image })
}

async function takeOwner(db: Db, row: Omit<Schema['owners'], 'id'>): Promise<number> {
  for (let attempt = 1; attempt <= takesMax; attempt++) {
    await db
      .insertInto('owners')
      .values(row)
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
    const id = await findOwner(db, row.name)
    if (id !== undefined) return id
    // Another writer dropped it between the two.
  }
  throw new Unavailable(`Others keep dropping ${row.name}.`)
}

/** The owner lets go of everything: what it referenced is looked at by the next sweep. */
export async function dropOwner(db: Db, id: number): Promise<void> {
  const referenced = db.selectFrom('refs').select('holding_id').where('owner_id', '=', id)
  // Work lets go of what it made; an image leaves packs behind of which perhaps little is needed.
  const isImage = db
    .selectFrom('owners')
    .select('id')
    .where('id', '=', id)
    .where('image', 'is not', null)
  await db
    .updateTable('holdings')
    .set(({ exists, case: when }) => ({
      loose: 1,
      thinned: when().when(exists(isImage)).then(1).else(sql.ref<number>('thinned')).end(),
    }))
    .where('id', 'in', referenced)
    .execute()
  await db.deleteFrom('refs').where('owner_id', '=', id).execute()
  await db.deleteFrom('owners').where('id', '=', id).execute()
}

export async function addRefs(db: Db, ownerId: number, ids: readonly number[]): Promise<void> {
  for (const page of pagesOf(ids)) {
    await db
      .insertInto('refs')
      .values(page.map((id) => ({ owner_id: ownerId, holding_id: id })))
      .onConflict((conflict) => conflict.columns(['owner_id', 'holding_id']).doNothing())
      .execute()
  }
}
