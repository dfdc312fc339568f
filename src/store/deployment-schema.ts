export type DeploymentTable = {
  key: string
  /** Its key's part before `/providers/`. */
  scope_key: string
  id: string
  name: string
  subscription: string
  run: string
  state: string
  doc: string
  template: string
  sealed: string | null
  principal: string
  parent_run: string | null
  correlation_id: string
  started_ms: number
  updated_ms: number
  ended_ms: number | null
}

export type DeploymentStepTable = {
  deployment_key: string
  position: number
  resource_key: string
  resource_id: string
  resource_type: string
  resource_name: string
  verb: string
  state: string
  operation: string | null
  status_code: number | null
  error: string | null
  started_ms: number | null
  ended_ms: number | null
}
