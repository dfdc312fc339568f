import { type Selectable, sql } from 'kysely'
import { Unavailable } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { SigninRows, SigninState } from '../domain/signin-rows.ts'
import type { Db, SigninStateTable } from './schema.ts'

/** Nobody's are counted at one of so many writes: at those whose key begins so, which nobody chooses. */
const countedKeys = /^A[A-H]/
const countedRowsMax = 5_000

const columns = { key: 'key', alias: 'alias', grant: 'grant_key', accountId: 'account_id' } as const

export function signinRows(db: Db): SigninRows {
  const states = db.selectFrom('signin_states')

  const find: SigninRows['find'] = async (by, hash, nowMs) => {
    const row = await states
      .selectAll()
      .where(columns[by], '=', hash)
      .where('expires_ms', '>', nowMs)
      .executeTakeFirst()
    return row && fromTable(row)
  }

  const put: SigninRows['put'] = async (state) => {
    // What was used stays so.
    const { key, used_ms: _, ...changed } = toTable(state)
    const { numUpdatedRows } = await db
      .updateTable('signin_states')
      .set(changed)
      .where('key', '=', key)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows > 0n) return
    await insert(state)
    await makeRoom(state)
  }

  const claim: SigninRows['claim'] = async (state) => {
    const held = await ofAccount(state).limit(limits.signinAssertionsMax).execute()
    if (held.length >= limits.signinAssertionsMax) {
      throw new Unavailable('the application has too many assertions that have not run out')
    }
    return insert(state)
  }

  async function insert(state: SigninState): Promise<boolean> {
    const { numInsertedOrUpdatedRows = 0n } = await db
      .insertInto('signin_states')
      .values(toTable(state))
      .onConflict((conflict) => conflict.column('key').doNothing())
      .executeTakeFirstOrThrow()
    return numInsertedOrUpdatedRows > 0n
  }

  const ofAccount = (state: SigninState) =>
    states
      .select('key')
      .where('kind', '=', kindOf(state))
      .where('account_id', '=', state.accountId ?? '')

  /** Whoever floods it drops his own first, or those of others who have not signed in for as long as that takes. */
  async function makeRoom(state: SigninState): Promise<void> {
    const isNobodys = state.accountId === undefined
    if (isNobodys && !countedKeys.test(state.key)) return
    const kept = isNobodys ? limits.signinStatesOfNobodyMax : limits.signinStatesOfAccountMax
    const all = isNobodys
      ? states.select('key').where('kind', '=', kindOf(state))
      : ofAccount(state)
    const over = all.orderBy('expires_ms', 'desc').limit(countedRowsMax).offset(kept)
    await db.deleteFrom('signin_states').where('key', 'in', over).execute()
  }

  const use: SigninRows['use'] = async (key, nowMs) => {
    const endsMs = nowMs + limits.signinUsedKeptMs
    const { numUpdatedRows } = await db
      .updateTable('signin_states')
      .set({
        used_ms: nowMs,
        expires_ms: sql`case when expires_ms < ${endsMs} then expires_ms else ${endsMs} end`,
      })
      .where('key', '=', key)
      .where('used_ms', 'is', null)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  const ask: SigninRows['ask'] = async (key, nowMs, everyMs) => {
    const { numUpdatedRows } = await db
      .updateTable('signin_states')
      .set({ asked_ms: nowMs })
      .where('key', '=', key)
      .where('asked_ms', '<=', nowMs - everyMs)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  const remove: SigninRows['remove'] = async (by, value) => {
    await db.deleteFrom('signin_states').where(columns[by], '=', value).execute()
  }

  const count: SigninRows['count'] = async (key, nowMs, windowMs) => {
    const endsMs = nowMs + windowMs
    const row = await db
      .insertInto('signin_tries')
      .values({ key, tries: 1, ends_ms: endsMs })
      .onConflict((conflict) =>
        conflict.column('key').doUpdateSet({
          tries: sql`case when signin_tries.ends_ms <= ${nowMs} then 1 else signin_tries.tries + 1 end`,
          ends_ms: sql`case when signin_tries.ends_ms <= ${nowMs} then ${endsMs} else signin_tries.ends_ms end`,
        }),
      )
      .returning(['tries', 'ends_ms'])
      .executeTakeFirstOrThrow()
    return { tries: row.tries, endsMs: row.ends_ms }
  }

  const uncount: SigninRows['uncount'] = async (key, what) => {
    if (what === 'all') await db.deleteFrom('signin_tries').where('key', '=', key).execute()
    else
      await db
        .updateTable('signin_tries')
        .set({ tries: sql`tries - 1` })
        .where('key', '=', key)
        .where('tries', '>', 0)
        .execute()
  }

  const sweep: SigninRows['sweep'] = async (nowMs, rowsMax) => {
    const over = states.select('key').where('expires_ms', '<=', nowMs).limit(rowsMax)
    const { numDeletedRows: ended } = await db
      .deleteFrom('signin_states')
      .where('key', 'in', over)
      .executeTakeFirstOrThrow()
    const past = db.selectFrom('signin_tries').select('key').where('ends_ms', '<=', nowMs)
    const { numDeletedRows: forgotten } = await db
      .deleteFrom('signin_tries')
      .where('key', 'in', past.limit(rowsMax))
      .executeTakeFirstOrThrow()
    return Math.max(Number(ended), Number(forgotten))
  }

  return { find, put, claim, use, ask, remove, count, uncount, sweep }
}

/** Nobody's are of a kind of their own: an index finds them. */
function kindOf({ kind, accountId }: SigninState): string {
  return accountId === undefined ? `${kind}${ofNobody}` : kind
}
const ofNobody = ' of nobody'

function toTable(state: SigninState) {
  return {
    key: state.key,
    kind: kindOf(state),
    text: state.text,
    grant_key: state.grant ?? null,
    alias: state.alias ?? null,
    account_id: state.accountId ?? null,
    expires_ms: state.expiresMs,
    used_ms: state.usedMs ?? null,
  }
}

function fromTable(row: Selectable<SigninStateTable>): SigninState {
  return {
    key: row.key,
    kind: row.kind.replace(ofNobody, ''),
    text: row.text,
    grant: row.grant_key ?? undefined,
    alias: row.alias ?? undefined,
    accountId: row.account_id ?? undefined,
    expiresMs: row.expires_ms,
    usedMs: row.used_ms ?? undefined,
  }
}
