CREATE TABLE applications (
  client_id text not null primary key,
  object_id text not null,
  tenant_id text not null,
  display_name text not null,
  secret_hash text not null
, name_key text not null default '', enabled smallint not null default 1, is_principal smallint not null default 1, created_ms bigint not null default 0, multi_tenant smallint not null default 0);

CREATE INDEX applications_by_object on applications (object_id);

CREATE INDEX applications_by_tenant on applications (tenant_id, client_id);

CREATE TABLE assignments (
  id text not null primary key,
  principal_id text not null,
  role_id text not null,
  scope_key text not null
, scope text not null default '', principal_type text not null default 'ServicePrincipal', description text, created_ms bigint not null default 0, created_by text not null default '', updated_ms bigint not null default 0, updated_by text not null default '', tenant_id text not null default '', expires_ms bigint);

CREATE UNIQUE INDEX assignments_by_grant on assignments (principal_id, role_id, scope_key, tenant_id);

CREATE INDEX assignments_by_scope on assignments (scope_key, id);

CREATE INDEX assignments_by_tenant on assignments (tenant_id, scope_key, id);

CREATE TABLE audit (
  at_ms bigint not null,
  id text not null,
  tenant_id text not null,
  principal_id text not null,
  name text not null,
  action text not null,
  scope_key text not null,
  scope text not null,
  outcome text not null,
  about text not null,
  correlation_id text not null,
  primary key (at_ms, id)
) without rowid;

CREATE INDEX audit_by_scope on audit (scope_key, at_ms, id);

CREATE TABLE blob_blocks (
  upload text not null,
  position bigint not null,
  block text not null,
  size_bytes bigint not null,
  primary key (upload, position)
) without rowid;

CREATE TABLE blob_containers (
  id integer primary key autoincrement,
  account text not null,
  name text not null,
  space text not null,
  metadata text not null,
  etag text not null,
  created_ms bigint not null,
  updated_ms bigint not null,
  gone smallint not null
);

CREATE UNIQUE INDEX blob_containers_by_name on blob_containers (account, name) where gone = 0;

CREATE INDEX blob_containers_gone on blob_containers (space, id) where gone = 1;

CREATE TABLE blob_readers (
  reader text not null,
  upload text not null,
  primary key (reader, upload)
) without rowid;

CREATE INDEX blob_readers_by_upload on blob_readers (upload);

CREATE TABLE blobs (
  container_id bigint not null references blob_containers (id) on delete restrict,
  name text not null,
  type text not null,
  upload text not null,
  size_bytes bigint not null,
  etag text not null,
  doc text not null,
  created_ms bigint not null,
  updated_ms bigint not null,
  primary key (container_id, name)
) without rowid;

CREATE UNIQUE INDEX blobs_by_upload on blobs (upload);

CREATE TABLE claims (
  name text not null primary key,
  holder text not null
) without rowid;

CREATE INDEX claims_by_holder on claims (holder);

CREATE TABLE counters (
  scope text not null,
  name text not null,
  value bigint not null,
  primary key (scope, name)
) without rowid;

CREATE TABLE credentials (
  id text not null primary key,
  client_id text not null references applications (client_id) on delete restrict,
  kind text not null,
  name text,
  hint text not null,
  value text not null,
  starts_ms bigint not null,
  ends_ms bigint not null
) without rowid;

CREATE INDEX credentials_by_client on credentials (client_id, id);

CREATE TABLE deployment_steps (
  deployment_key text not null references deployments (key) on delete cascade,
  position bigint not null,
  resource_key text not null,
  resource_id text not null,
  resource_type text not null,
  resource_name text not null,
  verb text not null,
  state text not null,
  operation text,
  status_code bigint,
  error text,
  started_ms bigint,
  ended_ms bigint,
  primary key (deployment_key, position)
) without rowid;

CREATE INDEX deployment_steps_by_operation on deployment_steps (operation) where operation is not null;

CREATE TABLE deployments (
  key text not null primary key,
  scope_key text not null,
  id text not null,
  name text not null,
  subscription text not null,
  run text not null,
  state text not null,
  doc text not null,
  template text not null,
  sealed text,
  principal text not null,
  parent_run text,
  correlation_id text not null,
  started_ms bigint not null,
  updated_ms bigint not null,
  ended_ms bigint
);

CREATE INDEX deployments_by_end on deployments (scope_key, ended_ms);

CREATE INDEX deployments_by_parent on deployments (parent_run) where parent_run is not null;

CREATE INDEX deployments_by_scope on deployments (scope_key, key);

CREATE TABLE event_due (resource_key text not null primary key, due_ms bigint not null) without rowid;

CREATE INDEX event_due_by_time on event_due (due_ms, resource_key);

CREATE TABLE event_latest (
  definition_key text not null,
  region text not null,
  version text not null,
  primary key (definition_key, region)
) without rowid;

CREATE TABLE event_marks (name text not null primary key, value bigint not null) without rowid;

CREATE TABLE event_subscriptions (
  key text not null primary key,
  id text not null,
  scope_key text not null,
  doc text not null,
  secret text,
  principal text not null,
  state text not null,
  reason text,
  cursor bigint not null,
  attempts bigint not null,
  delivered_ms bigint,
  created_ms bigint not null,
  updated_ms bigint not null
) without rowid;

CREATE INDEX event_subscriptions_by_scope on event_subscriptions (scope_key, key);

CREATE TABLE events (
  subscription text not null,
  at_ms bigint not null,
  id text not null,
  seq bigint,
  kind text not null,
  resource_key text not null,
  resource_id text not null,
  action text not null,
  status text not null,
  code text,
  message text,
  operation_id text not null,
  correlation_id text not null,
  principal_id text not null,
  name text not null,
  tenant_id text not null,
  about text not null,
  primary key (subscription, at_ms, id)
) without rowid;

CREATE UNIQUE INDEX events_by_seq on events (seq) where seq is not null;

CREATE INDEX events_unnumbered on events (at_ms, id) where seq is null;

CREATE TABLE holdings (
  id integer primary key autoincrement,
  space text not null,
  pack text not null,
  key text not null,
  size_bytes bigint not null,
  state text not null,
  loose smallint not null,
  condemned_ms bigint
, verified_ms bigint not null default 0, found_bad bigint not null default 0, bad smallint not null default 0, thinned smallint not null default 0);

CREATE INDEX holdings_bad on holdings (space, id) where bad > 0;

CREATE INDEX holdings_by_pack on holdings (pack);

CREATE INDEX holdings_by_space on holdings (space, state, id);

CREATE INDEX holdings_by_verified on holdings (space, verified_ms);

CREATE INDEX holdings_loose on holdings (space, id) where loose = 1;

CREATE INDEX holdings_thinned on holdings (space, id) where thinned = 1;

CREATE TABLE intervals (
  version_key text not null,
  region text not null,
  since_ms bigint not null,
  until_ms bigint,
  version_id text not null,
  storage_type text not null,
  replicas bigint not null,
  occupied_bytes bigint not null,
  primary key (version_key, region, since_ms)
) without rowid;

CREATE UNIQUE INDEX intervals_open on intervals (version_key, region) where until_ms is null;

CREATE TABLE invitations (
  id text not null primary key,
  tenant_id text not null,
  user_id text not null unique,
  mail text not null,
  redirect_url text,
  token_hash text not null unique,
  created_ms bigint not null,
  created_by text not null,
  expires_ms bigint not null
) without rowid;

CREATE INDEX invitations_by_tenant on invitations (tenant_id, id);

CREATE TABLE locks (
  scope_key text not null,
  name_key text not null,
  scope text not null,
  name text not null,
  level text not null,
  notes text,
  owners text not null,
  created_ms bigint not null,
  created_by text not null,
  created_by_kind text not null,
  updated_ms bigint not null,
  updated_by text not null,
  updated_by_kind text not null,
  primary key (scope_key, name_key)
) without rowid;

CREATE TABLE lost_parts (
  space text not null,
  image text not null,
  digest text not null,
  kind smallint not null,
  offset_bytes bigint not null,
  primary key (space, image, digest, offset_bytes)
) without rowid;

CREATE TABLE memberships (
  group_id text not null references user_groups (id) on delete restrict,
  member_id text not null,
  member_type text not null,
  primary key (group_id, member_id)
) without rowid;

CREATE INDEX memberships_by_member on memberships (member_id, group_id);

CREATE TABLE migrations (number bigint not null primary key);

CREATE TABLE moves (
  version_key text not null,
  to_region text not null,
  hour_ms bigint not null,
  from_region text not null,
  version_id text not null,
  billed_bytes bigint not null,
  moved_bytes bigint not null,
  took_ms bigint not null,
  primary key (version_key, to_region, hour_ms, from_region)
) without rowid;

CREATE INDEX moves_by_region on moves (to_region, hour_ms);

CREATE TABLE operations (
  id text not null primary key,
  key text not null,
  subscription text not null,
  generation bigint not null,
  flavour text not null,
  verb text not null,
  status text not null,
  error text,
  output text,
  principal_id text not null,
  correlation_id text not null,
  started_ms bigint not null,
  ended_ms bigint
, asked text);

CREATE INDEX operations_finished on operations (ended_ms) where ended_ms is not null;

CREATE INDEX operations_unfinished on operations (key) where ended_ms is null;

CREATE TABLE owners (
  id integer primary key autoincrement,
  name text not null,
  work_id bigint,
  space text,
  image text
);

CREATE INDEX owners_by_image on owners (image, space) where image is not null;

CREATE UNIQUE INDEX owners_by_name on owners (name);

CREATE INDEX owners_by_space on owners (space, id) where space is not null;

CREATE INDEX owners_by_work on owners (work_id) where work_id is not null;

CREATE TABLE placements (
  keeper text not null,
  owner_id bigint not null references owners (id) on delete restrict,
  root text,
  primary key (keeper, owner_id)
) without rowid;

CREATE INDEX placements_by_owner on placements (owner_id);

CREATE TABLE processes (
  id text not null primary key,
  release text not null,
  roles text not null,
  regions text not null,
  public_url text,
  peer_url text,
  started_ms bigint not null,
  seen_ms bigint not null
);

CREATE TABLE refs (
  owner_id bigint not null references owners (id) on delete restrict,
  holding_id bigint not null references holdings (id) on delete restrict,
  primary key (owner_id, holding_id)
) without rowid;

CREATE INDEX refs_by_holding on refs (holding_id);

CREATE TABLE replicas (
  version_key text not null references resources (key) on delete cascade,
  region text not null,
  generation bigint not null,
  state text not null,
  usable smallint not null,
  bytes_done bigint not null,
  bytes_total bigint not null,
  phase text not null,
  bytes_per_second bigint not null,
  reason text,
  updated_ms bigint not null,
  primary key (version_key, region)
) without rowid;

CREATE TABLE resource_tags (
  resource_key text not null references resources (key) on delete cascade,
  name_digest text not null,
  subscription text not null,
  value_digest text not null,
  name text not null,
  value text not null,
  primary key (resource_key, name_digest)
) without rowid;

CREATE INDEX resource_tags_by_name on resource_tags (subscription, name_digest, value_digest, resource_key);

CREATE TABLE resources (
  key text not null primary key,
  id text not null,
  type text not null,
  parent_key text not null,
  parent_row text references resources (key) on delete restrict,
  subscription text not null,
  region text,
  name text not null,
  name_sort text not null,
  state text not null,
  generation bigint not null,
  revision bigint not null,
  doc text not null,
  status text not null,
  created_ms bigint not null,
  created_by text not null,
  created_by_kind text not null,
  updated_ms bigint not null,
  updated_by text not null,
  updated_by_kind text not null
, stamp bigint not null default 0, deleted_ms bigint);

CREATE INDEX resources_by_parent on resources (parent_key, type, name_sort);

CREATE INDEX resources_by_parent_row on resources (parent_row) where parent_row is not null;

CREATE INDEX resources_by_type on resources (type, key);

CREATE INDEX resources_deleted on resources (deleted_ms, key) where deleted_ms is not null;

CREATE TABLE role_definitions (
  id text not null primary key,
  name_key text not null,
  name text not null,
  description text not null,
  permissions text not null,
  assignable_scopes text not null,
  created_ms bigint not null default 0,
  created_by text not null default '',
  updated_ms bigint not null default 0,
  updated_by text not null default '',
  tenant_id text not null default ''
);

CREATE UNIQUE INDEX role_definitions_by_name on role_definitions (tenant_id, name_key);

CREATE TABLE sas (
  id text not null primary key,
  key text not null references resources (key) on delete cascade,
  access text not null,
  expires_ms bigint not null
, format text, lun bigint, region text, created_ms bigint, principal_id text, created_by text, principal_tenant_id text, principal_client_id text) without rowid;

CREATE INDEX sas_by_key on sas (key);

CREATE TABLE secrets (
  name text not null primary key,
  value text not null
) without rowid;

CREATE TABLE service_principals (
  object_id text not null primary key,
  client_id text not null references applications (client_id) on delete restrict,
  tenant_id text not null,
  enabled smallint not null,
  created_ms bigint not null,
  unique (tenant_id, client_id)
) without rowid;

CREATE INDEX service_principals_by_client on service_principals (client_id, tenant_id);

CREATE TABLE shares (
  kind text not null,
  target text not null,
  gallery_key text not null references resources (key) on delete cascade,
  rejected smallint not null default 0,
  primary key (kind, target, gallery_key)
) without rowid;

CREATE INDEX shares_by_gallery on shares (gallery_key);

CREATE TABLE signin_states (
  key text not null primary key,
  kind text not null,
  text text not null,
  grant_key text,
  alias text,
  account_id text,
  expires_ms bigint not null,
  used_ms bigint,
  asked_ms bigint not null default 0
) without rowid;

CREATE INDEX signin_states_by_account on signin_states (account_id) where account_id is not null;

CREATE UNIQUE INDEX signin_states_by_alias on signin_states (alias) where alias is not null;

CREATE INDEX signin_states_by_end on signin_states (expires_ms);

CREATE INDEX signin_states_by_grant on signin_states (grant_key) where grant_key is not null;

CREATE INDEX signin_states_by_kind on signin_states (kind);

CREATE TABLE signin_tries (
  key text not null primary key,
  tries bigint not null,
  ends_ms bigint not null
) without rowid;

CREATE INDEX signin_tries_by_end on signin_tries (ends_ms);

CREATE TABLE spaces (
  space text not null primary key,
  store_id text,
  made_by text,
  place text,
  mount text,
  state text not null,
  since_ms bigint not null,
  why text
) without rowid;

CREATE TABLE staged_blocks (
  container_id bigint not null references blob_containers (id) on delete restrict,
  name text not null,
  block text not null,
  upload text not null,
  size_bytes bigint not null,
  staged_ms bigint not null,
  primary key (container_id, name, block)
) without rowid;

CREATE INDEX staged_blocks_by_age on staged_blocks (staged_ms);

CREATE TABLE subscription_tags (
  subscription text not null primary key,
  tags text not null
) without rowid;

CREATE TABLE tag_names (
  subscription text not null,
  name_digest text not null,
  value_digest text not null,
  name text not null,
  value text,
  primary key (subscription, name_digest, value_digest)
) without rowid;

CREATE TABLE tenants (
  id text not null primary key,
  name_key text not null unique,
  name text not null,
  owner_client_id text,
  created_ms bigint not null,
  created_by text not null,
  updated_ms bigint not null,
  updated_by text not null
) without rowid;

CREATE TABLE upload_drops (
  upload text not null primary key,
  space text not null,
  due_ms bigint not null,
  taken smallint not null
) without rowid;

CREATE INDEX upload_drops_by_due on upload_drops (space, due_ms);

CREATE TABLE upload_pages (
  seq integer primary key autoincrement,
  upload text not null,
  offset_bytes bigint not null,
  length_bytes bigint not null,
  key text
, image text, from_bytes bigint);

CREATE INDEX upload_pages_by_upload on upload_pages (upload, seq);

CREATE INDEX upload_pages_cleared on upload_pages (upload, offset_bytes) where key is null and image is null;

CREATE INDEX upload_pages_runs on upload_pages (upload, offset_bytes) where image is not null;

CREATE INDEX upload_pages_written on upload_pages (upload, offset_bytes) where key is not null;

CREATE TABLE user_groups (
  id text not null primary key,
  name_key text not null,
  name text not null,
  description text,
  created_ms bigint not null,
  created_by text not null,
  updated_ms bigint not null,
  updated_by text not null
, tenant_id text not null default '') without rowid;

CREATE INDEX user_groups_by_tenant on user_groups (tenant_id, id);

CREATE TABLE users (
  id text not null primary key,
  principal_name_key text not null,
  principal_name text not null,
  name_key text not null,
  name text not null,
  mail_key text,
  mail text,
  kind text not null,
  password_hash text,
  enabled smallint not null,
  created_ms bigint not null,
  created_by text not null,
  updated_ms bigint not null,
  updated_by text not null,
  tenant_id text not null default '',
  external_state text,
  external_ms bigint,
  home_id text,
  home_tenant_id text
, must_change_password smallint not null default 0) without rowid;

CREATE INDEX users_by_home on users (home_id);

CREATE UNIQUE INDEX users_by_principal_name on users (tenant_id, principal_name_key);

CREATE INDEX users_by_tenant on users (tenant_id, id);

CREATE TABLE work (
  id integer primary key autoincrement,
  kind text not null,
  subject text not null,
  queue text not null,
  generation bigint not null,
  begun bigint not null,
  key text,
  step text not null,
  state text not null,
  wake_ms bigint not null,
  attempts bigint not null,
  fence bigint not null,
  cancel smallint not null,
  asked smallint not null,
  holder text,
  lease_until_ms bigint not null,
  due_ms bigint generated always as
    (case when lease_until_ms < wake_ms then wake_ms else lease_until_ms + 1 end) stored,
  created_ms bigint not null
, correlation_id text, trace text);

CREATE INDEX work_by_due on work (queue, due_ms);

CREATE INDEX work_by_key on work (key) where key is not null;

CREATE UNIQUE INDEX work_by_subject on work (kind, subject);
