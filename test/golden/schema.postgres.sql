table applications
  client_id text collate "C" not null
  object_id text not null
  tenant_id text not null
  display_name text not null
  secret_hash text not null
  name_key text not null
  enabled smallint not null
  is_principal smallint not null
  created_ms bigint not null
  multi_tenant smallint not null
  constraint applications_pkey PRIMARY KEY (client_id)
  CREATE INDEX applications_by_object ON public.applications USING btree (object_id)
  CREATE INDEX applications_by_tenant ON public.applications USING btree (tenant_id, client_id)
  CREATE UNIQUE INDEX applications_pkey ON public.applications USING btree (client_id)
table assignments
  id text collate "C" not null
  principal_id text collate "C" not null
  role_id text collate "C" not null
  scope_key text collate "C" not null
  scope text not null
  principal_type text not null
  description text
  created_ms bigint not null
  created_by text not null
  updated_ms bigint not null
  updated_by text not null
  tenant_id text collate "C" not null
  expires_ms bigint
  constraint assignments_pkey PRIMARY KEY (id)
  CREATE INDEX assignments_by_scope ON public.assignments USING btree (scope_key, id)
  CREATE INDEX assignments_by_tenant ON public.assignments USING btree (tenant_id, scope_key, id)
  CREATE UNIQUE INDEX assignments_by_grant ON public.assignments USING btree (principal_id, role_id, scope_key, tenant_id)
  CREATE UNIQUE INDEX assignments_pkey ON public.assignments USING btree (id)
table audit
  at_ms bigint not null
  id text collate "C" not null
  tenant_id text collate "C" not null
  principal_id text collate "C" not null
  name text not null
  action text not null
  scope_key text collate "C" not null
  scope text not null
  outcome text not null
  about text not null
  correlation_id text not null
  constraint audit_pkey PRIMARY KEY (at_ms, id)
  CREATE INDEX audit_by_scope ON public.audit USING btree (scope_key, at_ms, id)
  CREATE UNIQUE INDEX audit_pkey ON public.audit USING btree (at_ms, id)
table blob_blocks
  upload text collate "C" not null
  position bigint not null
  block text not null
  size_bytes bigint not null
  constraint blob_blocks_pkey PRIMARY KEY (upload, "position")
  CREATE UNIQUE INDEX blob_blocks_pkey ON public.blob_blocks USING btree (upload, "position")
table blob_containers
  id bigint not null generated always as identity
  account text collate "C" not null
  name text collate "C" not null
  space text collate "C" not null
  metadata text not null
  etag text not null
  created_ms bigint not null
  updated_ms bigint not null
  gone smallint not null
  constraint blob_containers_pkey PRIMARY KEY (id)
  CREATE INDEX blob_containers_gone ON public.blob_containers USING btree (space, id) WHERE (gone = 1)
  CREATE UNIQUE INDEX blob_containers_by_name ON public.blob_containers USING btree (account, name) WHERE (gone = 0)
  CREATE UNIQUE INDEX blob_containers_pkey ON public.blob_containers USING btree (id)
table blob_readers
  reader text collate "C" not null
  upload text collate "C" not null
  constraint blob_readers_pkey PRIMARY KEY (reader, upload)
  CREATE INDEX blob_readers_by_upload ON public.blob_readers USING btree (upload)
  CREATE UNIQUE INDEX blob_readers_pkey ON public.blob_readers USING btree (reader, upload)
table blobs
  container_id bigint not null
  name text collate "C" not null
  type text not null
  upload text collate "C" not null
  size_bytes bigint not null
  etag text not null
  doc text not null
  created_ms bigint not null
  updated_ms bigint not null
  constraint blobs_container_id_fkey FOREIGN KEY (container_id) REFERENCES blob_containers(id) ON DELETE RESTRICT
  constraint blobs_pkey PRIMARY KEY (container_id, name)
  CREATE UNIQUE INDEX blobs_by_upload ON public.blobs USING btree (upload)
  CREATE UNIQUE INDEX blobs_pkey ON public.blobs USING btree (container_id, name)
table claims
  name text collate "C" not null
  holder text collate "C" not null
  constraint claims_pkey PRIMARY KEY (name)
  CREATE INDEX claims_by_holder ON public.claims USING btree (holder)
  CREATE UNIQUE INDEX claims_pkey ON public.claims USING btree (name)
table counters
  scope text collate "C" not null
  name text collate "C" not null
  value bigint not null
  constraint counters_pkey PRIMARY KEY (scope, name)
  CREATE UNIQUE INDEX counters_pkey ON public.counters USING btree (scope, name)
table credentials
  id text collate "C" not null
  client_id text collate "C" not null
  kind text not null
  name text
  hint text not null
  value text not null
  starts_ms bigint not null
  ends_ms bigint not null
  constraint credentials_client_id_fkey FOREIGN KEY (client_id) REFERENCES applications(client_id) ON DELETE RESTRICT
  constraint credentials_pkey PRIMARY KEY (id)
  CREATE INDEX credentials_by_client ON public.credentials USING btree (client_id, id)
  CREATE UNIQUE INDEX credentials_pkey ON public.credentials USING btree (id)
table deployment_steps
  deployment_key text collate "C" not null
  position bigint not null
  resource_key text collate "C" not null
  resource_id text not null
  resource_type text not null
  resource_name text not null
  verb text not null
  state text not null
  operation text collate "C"
  status_code bigint
  error text
  started_ms bigint
  ended_ms bigint
  constraint deployment_steps_deployment_key_fkey FOREIGN KEY (deployment_key) REFERENCES deployments(key) ON DELETE CASCADE
  constraint deployment_steps_pkey PRIMARY KEY (deployment_key, "position")
  CREATE INDEX deployment_steps_by_operation ON public.deployment_steps USING btree (operation) WHERE (operation IS NOT NULL)
  CREATE UNIQUE INDEX deployment_steps_pkey ON public.deployment_steps USING btree (deployment_key, "position")
table deployments
  key text collate "C" not null
  scope_key text collate "C" not null
  id text not null
  name text not null
  subscription text not null
  run text collate "C" not null
  state text not null
  doc text not null
  template text not null
  sealed text
  principal text not null
  parent_run text collate "C"
  correlation_id text not null
  started_ms bigint not null
  updated_ms bigint not null
  ended_ms bigint
  constraint deployments_pkey PRIMARY KEY (key)
  CREATE INDEX deployments_by_end ON public.deployments USING btree (scope_key, ended_ms)
  CREATE INDEX deployments_by_parent ON public.deployments USING btree (parent_run) WHERE (parent_run IS NOT NULL)
  CREATE INDEX deployments_by_scope ON public.deployments USING btree (scope_key, key)
  CREATE UNIQUE INDEX deployments_pkey ON public.deployments USING btree (key)
table event_due
  resource_key text collate "C" not null
  due_ms bigint not null
  constraint event_due_pkey PRIMARY KEY (resource_key)
  CREATE INDEX event_due_by_time ON public.event_due USING btree (due_ms, resource_key)
  CREATE UNIQUE INDEX event_due_pkey ON public.event_due USING btree (resource_key)
table event_latest
  definition_key text collate "C" not null
  region text collate "C" not null
  version text not null
  constraint event_latest_pkey PRIMARY KEY (definition_key, region)
  CREATE UNIQUE INDEX event_latest_pkey ON public.event_latest USING btree (definition_key, region)
table event_marks
  name text collate "C" not null
  value bigint not null
  constraint event_marks_pkey PRIMARY KEY (name)
  CREATE UNIQUE INDEX event_marks_pkey ON public.event_marks USING btree (name)
table event_subscriptions
  key text collate "C" not null
  id text not null
  scope_key text collate "C" not null
  doc text not null
  secret text
  principal text not null
  state text not null
  reason text
  cursor bigint not null
  attempts bigint not null
  delivered_ms bigint
  created_ms bigint not null
  updated_ms bigint not null
  constraint event_subscriptions_pkey PRIMARY KEY (key)
  CREATE INDEX event_subscriptions_by_scope ON public.event_subscriptions USING btree (scope_key, key)
  CREATE UNIQUE INDEX event_subscriptions_pkey ON public.event_subscriptions USING btree (key)
table events
  subscription text collate "C" not null
  at_ms bigint not null
  id text collate "C" not null
  seq bigint
  kind text not null
  resource_key text collate "C" not null
  resource_id text not null
  action text not null
  status text not null
  code text
  message text
  operation_id text not null
  correlation_id text not null
  principal_id text not null
  name text not null
  tenant_id text collate "C" not null
  about text not null
  constraint events_pkey PRIMARY KEY (subscription, at_ms, id)
  CREATE INDEX events_unnumbered ON public.events USING btree (at_ms, id) WHERE (seq IS NULL)
  CREATE UNIQUE INDEX events_by_seq ON public.events USING btree (seq) WHERE (seq IS NOT NULL)
  CREATE UNIQUE INDEX events_pkey ON public.events USING btree (subscription, at_ms, id)
table holdings
  id bigint not null generated always as identity
  space text collate "C" not null
  pack text collate "C" not null
  key text not null
  size_bytes bigint not null
  state text collate "C" not null
  loose smallint not null
  condemned_ms bigint
  verified_ms bigint not null
  found_bad bigint not null
  bad smallint not null
  thinned smallint not null
  constraint holdings_pkey PRIMARY KEY (id)
  CREATE INDEX holdings_bad ON public.holdings USING btree (space, id) WHERE (bad > 0)
  CREATE INDEX holdings_by_pack ON public.holdings USING btree (pack)
  CREATE INDEX holdings_by_space ON public.holdings USING btree (space, state, id)
  CREATE INDEX holdings_by_verified ON public.holdings USING btree (space, verified_ms)
  CREATE INDEX holdings_loose ON public.holdings USING btree (space, id) WHERE (loose = 1)
  CREATE INDEX holdings_thinned ON public.holdings USING btree (space, id) WHERE (thinned = 1)
  CREATE UNIQUE INDEX holdings_pkey ON public.holdings USING btree (id)
table intervals
  version_key text collate "C" not null
  region text collate "C" not null
  since_ms bigint not null
  until_ms bigint
  version_id text not null
  storage_type text not null
  replicas bigint not null
  occupied_bytes bigint not null
  constraint intervals_pkey PRIMARY KEY (version_key, region, since_ms)
  CREATE UNIQUE INDEX intervals_open ON public.intervals USING btree (version_key, region) WHERE (until_ms IS NULL)
  CREATE UNIQUE INDEX intervals_pkey ON public.intervals USING btree (version_key, region, since_ms)
table invitations
  id text collate "C" not null
  tenant_id text collate "C" not null
  user_id text collate "C" not null
  mail text not null
  redirect_url text
  token_hash text collate "C" not null
  created_ms bigint not null
  created_by text not null
  expires_ms bigint not null
  constraint invitations_pkey PRIMARY KEY (id)
  constraint invitations_token_hash_key UNIQUE (token_hash)
  constraint invitations_user_id_key UNIQUE (user_id)
  CREATE INDEX invitations_by_tenant ON public.invitations USING btree (tenant_id, id)
  CREATE UNIQUE INDEX invitations_pkey ON public.invitations USING btree (id)
  CREATE UNIQUE INDEX invitations_token_hash_key ON public.invitations USING btree (token_hash)
  CREATE UNIQUE INDEX invitations_user_id_key ON public.invitations USING btree (user_id)
table locks
  scope_key text collate "C" not null
  name_key text collate "C" not null
  scope text not null
  name text not null
  level text not null
  notes text
  owners text not null
  created_ms bigint not null
  created_by text not null
  created_by_kind text not null
  updated_ms bigint not null
  updated_by text not null
  updated_by_kind text not null
  constraint locks_pkey PRIMARY KEY (scope_key, name_key)
  CREATE UNIQUE INDEX locks_pkey ON public.locks USING btree (scope_key, name_key)
table lost_parts
  space text collate "C" not null
  image text collate "C" not null
  digest text collate "C" not null
  kind smallint not null
  offset_bytes bigint not null
  constraint lost_parts_pkey PRIMARY KEY (space, image, digest, offset_bytes)
  CREATE UNIQUE INDEX lost_parts_pkey ON public.lost_parts USING btree (space, image, digest, offset_bytes)
table memberships
  group_id text collate "C" not null
  member_id text collate "C" not null
  member_type text not null
  constraint memberships_group_id_fkey FOREIGN KEY (group_id) REFERENCES user_groups(id) ON DELETE RESTRICT
  constraint memberships_pkey PRIMARY KEY (group_id, member_id)
  CREATE INDEX memberships_by_member ON public.memberships USING btree (member_id, group_id)
  CREATE UNIQUE INDEX memberships_pkey ON public.memberships USING btree (group_id, member_id)
table migrations
  number bigint not null
  constraint migrations_pkey PRIMARY KEY (number)
  CREATE UNIQUE INDEX migrations_pkey ON public.migrations USING btree (number)
table moves
  version_key text collate "C" not null
  to_region text collate "C" not null
  hour_ms bigint not null
  from_region text collate "C" not null
  version_id text not null
  billed_bytes bigint not null
  moved_bytes bigint not null
  took_ms bigint not null
  constraint moves_pkey PRIMARY KEY (version_key, to_region, hour_ms, from_region)
  CREATE INDEX moves_by_region ON public.moves USING btree (to_region, hour_ms)
  CREATE UNIQUE INDEX moves_pkey ON public.moves USING btree (version_key, to_region, hour_ms, from_region)
table operations
  id text collate "C" not null
  key text collate "C" not null
  subscription text not null
  generation bigint not null
  flavour text not null
  verb text not null
  status text not null
  error text
  output text
  principal_id text not null
  correlation_id text not null
  started_ms bigint not null
  ended_ms bigint
  asked text
  constraint operations_pkey PRIMARY KEY (id)
  CREATE INDEX operations_finished ON public.operations USING btree (ended_ms) WHERE (ended_ms IS NOT NULL)
  CREATE INDEX operations_unfinished ON public.operations USING btree (key) WHERE (ended_ms IS NULL)
  CREATE UNIQUE INDEX operations_pkey ON public.operations USING btree (id)
table owners
  id bigint not null generated always as identity
  name text collate "C" not null
  work_id bigint
  space text collate "C"
  image text collate "C"
  constraint owners_pkey PRIMARY KEY (id)
  CREATE INDEX owners_by_image ON public.owners USING btree (image, space) WHERE (image IS NOT NULL)
  CREATE INDEX owners_by_space ON public.owners USING btree (space, id) WHERE (space IS NOT NULL)
  CREATE INDEX owners_by_work ON public.owners USING btree (work_id) WHERE (work_id IS NOT NULL)
  CREATE UNIQUE INDEX owners_by_name ON public.owners USING btree (name)
  CREATE UNIQUE INDEX owners_pkey ON public.owners USING btree (id)
table placements
  keeper text collate "C" not null
  owner_id bigint not null
  root text
  constraint placements_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES owners(id) ON DELETE RESTRICT
  constraint placements_pkey PRIMARY KEY (keeper, owner_id)
  CREATE INDEX placements_by_owner ON public.placements USING btree (owner_id)
  CREATE UNIQUE INDEX placements_pkey ON public.placements USING btree (keeper, owner_id)
table processes
  id text not null
  release text not null
  roles text not null
  regions text not null
  public_url text
  peer_url text
  started_ms bigint not null
  seen_ms bigint not null
  constraint processes_pkey PRIMARY KEY (id)
  CREATE UNIQUE INDEX processes_pkey ON public.processes USING btree (id)
table refs
  owner_id bigint not null
  holding_id bigint not null
  constraint refs_holding_id_fkey FOREIGN KEY (holding_id) REFERENCES holdings(id) ON DELETE RESTRICT
  constraint refs_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES owners(id) ON DELETE RESTRICT
  constraint refs_pkey PRIMARY KEY (owner_id, holding_id)
  CREATE INDEX refs_by_holding ON public.refs USING btree (holding_id)
  CREATE UNIQUE INDEX refs_pkey ON public.refs USING btree (owner_id, holding_id)
table replicas
  version_key text collate "C" not null
  region text collate "C" not null
  generation bigint not null
  state text not null
  usable smallint not null
  bytes_done bigint not null
  bytes_total bigint not null
  phase text not null
  bytes_per_second bigint not null
  reason text
  updated_ms bigint not null
  constraint replicas_pkey PRIMARY KEY (version_key, region)
  constraint replicas_version_key_fkey FOREIGN KEY (version_key) REFERENCES resources(key) ON DELETE CASCADE
  CREATE UNIQUE INDEX replicas_pkey ON public.replicas USING btree (version_key, region)
table resource_tags
  resource_key text collate "C" not null
  name_digest text collate "C" not null
  subscription text collate "C" not null
  value_digest text collate "C" not null
  name text not null
  value text not null
  constraint resource_tags_pkey PRIMARY KEY (resource_key, name_digest)
  constraint resource_tags_resource_key_fkey FOREIGN KEY (resource_key) REFERENCES resources(key) ON DELETE CASCADE
  CREATE INDEX resource_tags_by_name ON public.resource_tags USING btree (subscription, name_digest, value_digest, resource_key)
  CREATE UNIQUE INDEX resource_tags_pkey ON public.resource_tags USING btree (resource_key, name_digest)
table resources
  key text collate "C" not null
  id text not null
  type text collate "C" not null
  parent_key text collate "C" not null
  parent_row text collate "C"
  subscription text not null
  region text
  name text not null
  name_sort text collate "C" not null
  state text not null
  generation bigint not null
  revision bigint not null
  doc text not null
  status text not null
  created_ms bigint not null
  created_by text not null
  created_by_kind text not null
  updated_ms bigint not null
  updated_by text not null
  updated_by_kind text not null
  stamp bigint not null
  deleted_ms bigint
  constraint resources_parent_row_fkey FOREIGN KEY (parent_row) REFERENCES resources(key) ON DELETE RESTRICT
  constraint resources_pkey PRIMARY KEY (key)
  CREATE INDEX resources_by_parent ON public.resources USING btree (parent_key, type, name_sort)
  CREATE INDEX resources_by_parent_row ON public.resources USING btree (parent_row) WHERE (parent_row IS NOT NULL)
  CREATE INDEX resources_by_type ON public.resources USING btree (type, key)
  CREATE INDEX resources_deleted ON public.resources USING btree (deleted_ms, key) WHERE (deleted_ms IS NOT NULL)
  CREATE UNIQUE INDEX resources_pkey ON public.resources USING btree (key)
table role_definitions
  id text collate "C" not null
  name_key text collate "C" not null
  name text not null
  description text not null
  permissions text not null
  assignable_scopes text not null
  created_ms bigint not null
  created_by text not null
  updated_ms bigint not null
  updated_by text not null
  tenant_id text collate "C" not null
  constraint role_definitions_pkey PRIMARY KEY (id)
  CREATE UNIQUE INDEX role_definitions_by_name ON public.role_definitions USING btree (tenant_id, name_key)
  CREATE UNIQUE INDEX role_definitions_pkey ON public.role_definitions USING btree (id)
table sas
  id text collate "C" not null
  key text collate "C" not null
  access text not null
  expires_ms bigint not null
  format text
  lun bigint
  region text
  created_ms bigint
  principal_id text
  created_by text
  principal_tenant_id text
  principal_client_id text
  constraint sas_key_fkey FOREIGN KEY (key) REFERENCES resources(key) ON DELETE CASCADE
  constraint sas_pkey PRIMARY KEY (id)
  CREATE INDEX sas_by_key ON public.sas USING btree (key)
  CREATE UNIQUE INDEX sas_pkey ON public.sas USING btree (id)
table secrets
  name text collate "C" not null
  value text not null
  constraint secrets_pkey PRIMARY KEY (name)
  CREATE UNIQUE INDEX secrets_pkey ON public.secrets USING btree (name)
table service_principals
  object_id text collate "C" not null
  client_id text collate "C" not null
  tenant_id text collate "C" not null
  enabled smallint not null
  created_ms bigint not null
  constraint service_principals_client_id_fkey FOREIGN KEY (client_id) REFERENCES applications(client_id) ON DELETE RESTRICT
  constraint service_principals_pkey PRIMARY KEY (object_id)
  constraint service_principals_tenant_id_client_id_key UNIQUE (tenant_id, client_id)
  CREATE INDEX service_principals_by_client ON public.service_principals USING btree (client_id, tenant_id)
  CREATE UNIQUE INDEX service_principals_pkey ON public.service_principals USING btree (object_id)
  CREATE UNIQUE INDEX service_principals_tenant_id_client_id_key ON public.service_principals USING btree (tenant_id, client_id)
table shares
  kind text not null
  target text collate "C" not null
  gallery_key text collate "C" not null
  rejected smallint not null
  constraint shares_gallery_key_fkey FOREIGN KEY (gallery_key) REFERENCES resources(key) ON DELETE CASCADE
  constraint shares_pkey PRIMARY KEY (kind, target, gallery_key)
  CREATE INDEX shares_by_gallery ON public.shares USING btree (gallery_key)
  CREATE UNIQUE INDEX shares_pkey ON public.shares USING btree (kind, target, gallery_key)
table signin_states
  key text collate "C" not null
  kind text collate "C" not null
  text text not null
  grant_key text collate "C"
  alias text collate "C"
  account_id text collate "C"
  expires_ms bigint not null
  used_ms bigint
  asked_ms bigint not null
  constraint signin_states_pkey PRIMARY KEY (key)
  CREATE INDEX signin_states_by_account ON public.signin_states USING btree (account_id) WHERE (account_id IS NOT NULL)
  CREATE INDEX signin_states_by_end ON public.signin_states USING btree (expires_ms)
  CREATE INDEX signin_states_by_grant ON public.signin_states USING btree (grant_key) WHERE (grant_key IS NOT NULL)
  CREATE INDEX signin_states_by_kind ON public.signin_states USING btree (kind)
  CREATE UNIQUE INDEX signin_states_by_alias ON public.signin_states USING btree (alias) WHERE (alias IS NOT NULL)
  CREATE UNIQUE INDEX signin_states_pkey ON public.signin_states USING btree (key)
table signin_tries
  key text collate "C" not null
  tries bigint not null
  ends_ms bigint not null
  constraint signin_tries_pkey PRIMARY KEY (key)
  CREATE INDEX signin_tries_by_end ON public.signin_tries USING btree (ends_ms)
  CREATE UNIQUE INDEX signin_tries_pkey ON public.signin_tries USING btree (key)
table spaces
  space text collate "C" not null
  store_id text
  made_by text
  place text
  mount text
  state text collate "C" not null
  since_ms bigint not null
  why text
  constraint spaces_pkey PRIMARY KEY (space)
  CREATE UNIQUE INDEX spaces_pkey ON public.spaces USING btree (space)
table staged_blocks
  container_id bigint not null
  name text collate "C" not null
  block text collate "C" not null
  upload text collate "C" not null
  size_bytes bigint not null
  staged_ms bigint not null
  constraint staged_blocks_container_id_fkey FOREIGN KEY (container_id) REFERENCES blob_containers(id) ON DELETE RESTRICT
  constraint staged_blocks_pkey PRIMARY KEY (container_id, name, block)
  CREATE INDEX staged_blocks_by_age ON public.staged_blocks USING btree (staged_ms)
  CREATE UNIQUE INDEX staged_blocks_pkey ON public.staged_blocks USING btree (container_id, name, block)
table subscription_tags
  subscription text collate "C" not null
  tags text not null
  constraint subscription_tags_pkey PRIMARY KEY (subscription)
  CREATE UNIQUE INDEX subscription_tags_pkey ON public.subscription_tags USING btree (subscription)
table tag_names
  subscription text collate "C" not null
  name_digest text collate "C" not null
  value_digest text collate "C" not null
  name text not null
  value text
  constraint tag_names_pkey PRIMARY KEY (subscription, name_digest, value_digest)
  CREATE UNIQUE INDEX tag_names_pkey ON public.tag_names USING btree (subscription, name_digest, value_digest)
table tenants
  id text collate "C" not null
  name_key text collate "C" not null
  name text not null
  owner_client_id text
  created_ms bigint not null
  created_by text not null
  updated_ms bigint not null
  updated_by text not null
  constraint tenants_name_key_key UNIQUE (name_key)
  constraint tenants_pkey PRIMARY KEY (id)
  CREATE UNIQUE INDEX tenants_name_key_key ON public.tenants USING btree (name_key)
  CREATE UNIQUE INDEX tenants_pkey ON public.tenants USING btree (id)
table upload_drops
  upload text collate "C" not null
  space text collate "C" not null
  due_ms bigint not null
  taken smallint not null
  constraint upload_drops_pkey PRIMARY KEY (upload)
  CREATE INDEX upload_drops_by_due ON public.upload_drops USING btree (space, due_ms)
  CREATE UNIQUE INDEX upload_drops_pkey ON public.upload_drops USING btree (upload)
table upload_pages
  seq bigint not null generated always as identity
  upload text collate "C" not null
  offset_bytes bigint not null
  length_bytes bigint not null
  key text
  image text
  from_bytes bigint
  constraint upload_pages_pkey PRIMARY KEY (seq)
  CREATE INDEX upload_pages_by_upload ON public.upload_pages USING btree (upload, seq)
  CREATE INDEX upload_pages_cleared ON public.upload_pages USING btree (upload, offset_bytes) WHERE ((key IS NULL) AND (image IS NULL))
  CREATE INDEX upload_pages_runs ON public.upload_pages USING btree (upload, offset_bytes) WHERE (image IS NOT NULL)
  CREATE INDEX upload_pages_written ON public.upload_pages USING btree (upload, offset_bytes) WHERE (key IS NOT NULL)
  CREATE UNIQUE INDEX upload_pages_pkey ON public.upload_pages USING btree (seq)
table user_groups
  id text collate "C" not null
  name_key text collate "C" not null
  name text not null
  description text
  created_ms bigint not null
  created_by text not null
  updated_ms bigint not null
  updated_by text not null
  tenant_id text collate "C" not null
  constraint user_groups_pkey PRIMARY KEY (id)
  CREATE INDEX user_groups_by_tenant ON public.user_groups USING btree (tenant_id, id)
  CREATE UNIQUE INDEX user_groups_pkey ON public.user_groups USING btree (id)
table users
  id text collate "C" not null
  principal_name_key text collate "C" not null
  principal_name text not null
  name_key text collate "C" not null
  name text not null
  mail_key text collate "C"
  mail text
  kind text not null
  password_hash text
  enabled smallint not null
  created_ms bigint not null
  created_by text not null
  updated_ms bigint not null
  updated_by text not null
  tenant_id text collate "C" not null
  external_state text
  external_ms bigint
  home_id text
  home_tenant_id text
  must_change_password smallint not null
  constraint users_pkey PRIMARY KEY (id)
  CREATE INDEX users_by_home ON public.users USING btree (home_id)
  CREATE INDEX users_by_tenant ON public.users USING btree (tenant_id, id)
  CREATE UNIQUE INDEX users_by_principal_name ON public.users USING btree (tenant_id, principal_name_key)
  CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)
table work
  id bigint not null generated always as identity
  kind text collate "C" not null
  subject text collate "C" not null
  queue text collate "C" not null
  generation bigint not null
  begun bigint not null
  key text collate "C"
  step text not null
  state text not null
  wake_ms bigint not null
  attempts bigint not null
  fence bigint not null
  cancel smallint not null
  asked smallint not null
  holder text
  lease_until_ms bigint not null
  due_ms bigint generated always as 
CASE
    WHEN (lease_until_ms < wake_ms) THEN wake_ms
    ELSE (lease_until_ms + 1)
END stored
  created_ms bigint not null
  correlation_id text
  trace text
  constraint work_pkey PRIMARY KEY (id)
  CREATE INDEX work_by_due ON public.work USING btree (queue, due_ms)
  CREATE INDEX work_by_key ON public.work USING btree (key) WHERE (key IS NOT NULL)
  CREATE UNIQUE INDEX work_by_subject ON public.work USING btree (kind, subject)
  CREATE UNIQUE INDEX work_pkey ON public.work USING btree (id)
