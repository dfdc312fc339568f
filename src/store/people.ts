import type { PeopleRows, Person } from '../domain/signin-rows.ts'
import type { Db } from './schema.ts'

/** Who can sign in, with the password that proves it: of a guest who has a home here, the one of his home. */
export function peopleRows(db: Db): PeopleRows {
  const able = db
    .selectFrom('users as person')
    .leftJoin('users as home', (join) =>
      join
        .onRef('home.id', '=', 'person.home_id')
        .onRef('home.tenant_id', '=', 'person.home_tenant_id'),
    )
    .select([
      'person.id',
      'person.tenant_id',
      'person.principal_name',
      'person.name',
      'person.mail',
      'person.kind',
      'person.home_id',
      'person.password_hash',
      'person.must_change_password',
      'home.id as found_home',
      'home.enabled as home_enabled',
      'home.password_hash as home_hash',
      'home.must_change_password as home_must_change',
    ])
    .where('person.enabled', '=', 1)
    .where((where) =>
      where.or([
        where('person.external_state', 'is', null),
        where('person.external_state', '=', 'Accepted'),
      ]),
    )

  const named: PeopleRows['named'] = async (tenantId, name) => {
    const here = able.where('person.tenant_id', '=', tenantId)
    const [one] = await here.where('person.principal_name_key', '=', name).limit(1).execute()
    if (one) return personOf(one)
    const guests = await here
      .where('person.kind', '=', 'Guest')
      .where('person.mail_key', '=', name)
      .limit(2)
      .execute()
    return guests[0] && guests.length === 1 ? personOf(guests[0]) : undefined
  }

  const membersNamed: PeopleRows['membersNamed'] = async (name) => {
    const rows = await able
      .where('person.kind', '=', 'Member')
      .where('person.principal_name_key', '=', name)
      .limit(2)
      .execute()
    return rows.flatMap((row) => personOf(row) ?? [])
  }

  const ofId: PeopleRows['ofId'] = async (tenantId, id) => {
    const row = await able
      .where('person.tenant_id', '=', tenantId)
      .where('person.id', '=', id)
      .executeTakeFirst()
    return row && personOf(row)
  }

  const setPassword: PeopleRows['setPassword'] = async ({ userId, held, hash, mustChange }) => {
    const { numUpdatedRows } = await db
      .updateTable('users')
      .set({ password_hash: hash, must_change_password: mustChange ? 1 : 0 })
      .where('id', '=', userId)
      .where('password_hash', 'is not distinct from', held ?? null)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) return false
    await endSignins(db, userId)
    return true
  }

  return { named, membersNamed, ofId, setPassword }
}

/** All that somebody has of sign-ins, here and where he is a guest. */
export async function endSignins(db: Db, userId: string): Promise<void> {
  const elsewhere = db.selectFrom('users').select('id').where('home_id', '=', userId)
  await db
    .deleteFrom('signin_states')
    .where((where) =>
      where.or([where('account_id', '=', userId), where('account_id', 'in', elsewhere)]),
    )
    .execute()
}

type AbleRow = {
  readonly id: string
  readonly tenant_id: string
  readonly principal_name: string
  readonly name: string
  readonly mail: string | null
  readonly kind: string
  readonly home_id: string | null
  readonly password_hash: string | null
  readonly must_change_password: number
  readonly found_home: string | null
  readonly home_enabled: number | null
  readonly home_hash: string | null
  readonly home_must_change: number | null
}

function personOf(row: AbleRow): Person | undefined {
  const isAtHome = row.home_id === null
  if (!isAtHome && (row.found_home === null || row.home_enabled !== 1)) return undefined
  return {
    id: row.id,
    tenantId: row.tenant_id,
    principalName: row.principal_name,
    displayName: row.name,
    mail: row.mail ?? undefined,
    kind: row.kind === 'Guest' ? 'Guest' : 'Member',
    passwordOf: row.home_id ?? row.id,
    passwordHash: (isAtHome ? row.password_hash : row.home_hash) ?? undefined,
    mustChangePassword: (isAtHome ? row.must_change_password : row.home_must_change) === 1,
  }
}
