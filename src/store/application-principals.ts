import { type RawBuilder, sql } from 'kysely'

/** An application as one tenant sees it: its own, or another's of which it has a service principal. */
export type SeenApplication = {
  readonly client_id: string
  readonly object_id: string
  readonly tenant_id: string
  readonly owner_tenant_id: string
  readonly display_name: string
  readonly name_key: string
  readonly secret_hash: string
  readonly enabled: number
  readonly is_principal: number
  readonly multi_tenant: number
  readonly created_ms: number
}

/** The table of them, for a query to select from: a row for each tenant that sees one. */
export const seenApplications: RawBuilder<SeenApplication> = sql`(
  select client_id, object_id, tenant_id, tenant_id as owner_tenant_id, display_name, name_key, secret_hash,
    enabled, is_principal, multi_tenant, created_ms
  from applications
  union all
  select principal.client_id, principal.object_id, principal.tenant_id, application.tenant_id, display_name, name_key,
    secret_hash, principal.enabled, 1, multi_tenant, principal.created_ms
  from service_principals as principal
  join applications as application on application.client_id = principal.client_id
) as seen`
