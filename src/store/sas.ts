import type { ImageGrant, SasRow } from '../domain/rows.ts'
import { isAtOrBelow } from './at-or-below.ts'
import type { Db, SasTable } from './schema.ts'
import type { SasRows } from './store.ts'

export function sasRows(db: Db): SasRows {
  async function get(id: string): Promise<SasRow | undefined> {
    const row = await db.selectFrom('sas').selectAll().where('id', '=', id).executeTakeFirst()
    return row && fromTable(row)
  }

  async function put(row: SasRow): Promise<void> {
    const values = toTable(row)
    await db
      .insertInto('sas')
      .values(values)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute()
  }

  async function revokeOf(key: string): Promise<void> {
    await db.deleteFrom('sas').where('key', '=', key).execute()
  }

  const imagesOf: SasRows['imagesOf'] = async (key, rowsMax, only = {}) => {
    const { principalId, endsAfterMs } = only
    const rows = await db
      .selectFrom('sas')
      .selectAll()
      .where('key', '=', key)
      .where('format', 'is not', null)
      .$if(principalId !== undefined, (rows) => rows.where('principal_id', '=', principalId ?? ''))
      .$if(endsAfterMs !== undefined, (rows) => rows.where('expires_ms', '>', endsAfterMs ?? 0))
      .orderBy('created_ms')
      .orderBy('id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function liveImageWithin(key: string, nowMs: number): Promise<SasRow | undefined> {
    const row = await db
      .selectFrom('sas')
      .selectAll()
      .where(isAtOrBelow('key', key))
      .where('format', 'is not', null)
      .where('expires_ms', '>', nowMs)
      .limit(1)
      .executeTakeFirst()
    return row && fromTable(row)
  }

  async function revokeImage(key: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom('sas')
      .where('id', '=', id)
      .where('key', '=', key)
      .where('format', 'is not', null)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows) > 0
  }

  async function prune(expiredBeforeMs: number, rowsMax: number): Promise<number> {
    const expired = db
      .selectFrom('sas')
      .select('id')
      .where('expires_ms', '<', expiredBeforeMs)
      .limit(rowsMax)
    const { numDeletedRows } = await db
      .deleteFrom('sas')
      .where('id', 'in', expired)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  return { get, put, revokeOf, imagesOf, liveImageWithin, revokeImage, prune }
}

function toTable({ id, key, access, expiresMs, image }: SasRow): SasTable {
  return {
    id,
    key,
    access,
    expires_ms: expiresMs,
    format: image?.format ?? null,
    lun: image?.lun ?? null,
    region: image?.region ?? null,
    created_ms: image?.createdMs ?? null,
    principal_id: image?.principalId ?? null,
    created_by: image?.createdBy ?? null,
    principal_tenant_id: image?.principalTenantId ?? null,
    principal_client_id: image?.principalClientId ?? null,
  }
}

function fromTable(row: SasTable): SasRow {
  const { id, key, access, expires_ms: expiresMs } = row
  return { id, key, access, expiresMs, image: imageOf(row) }
}

function imageOf({ format, ...row }: SasTable): ImageGrant | undefined {
  if (format === null) return undefined
  return {
    format,
    lun: row.lun ?? undefined,
    region: row.region ?? undefined,
    createdMs: row.created_ms ?? 0,
    principalId: row.principal_id ?? '',
    principalTenantId: row.principal_tenant_id ?? undefined,
    principalClientId: row.principal_client_id ?? undefined,
    createdBy: row.created_by ?? '',
  }
}
