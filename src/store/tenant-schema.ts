export type WrittenColumns = {
  created_ms: number
  created_by: string
  updated_ms: number
  updated_by: string
}

/** Of an application in a tenant that is not its own. */
export type ServicePrincipalTable = {
  object_id: string
  client_id: string
  tenant_id: string
  enabled: number
  created_ms: number
}

export type TenantTable = WrittenColumns & {
  id: string
  name_key: string
  name: string
  owner_client_id: string | null
}

export type InvitationTable = {
  id: string
  tenant_id: string
  user_id: string
  mail: string
  redirect_url: string | null
  token_hash: string
  created_ms: number
  created_by: string
  expires_ms: number
}
