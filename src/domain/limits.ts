const kib = 1024
const mib = 1024 * kib
const gib = 1024 * mib

/** Every bound of the engine, each with its reason. Quotas of the product are configuration (`config.ts`). */
export const limits = {
  /** 64 KiB: the dedup grid. Smaller doubles the tree for 2 % of space (docs/adr/0003). */
  chunkBytes: 64 * kib,
  /** Children of a tree node: a leaf spans 16 MiB, three levels reach 1 TiB. */
  nodeChildren: 256,
  /** A pack closes here: one buffer, one PUT, the unit of resume. */
  packBytesMax: 16 * mib,
  packEntriesMax: 4096,
  /** A fourth tree level reaches it; nothing larger is addressed. */
  virtualBytesMax: 64 * 1024 * gib,

  /** What Azure's Put Page takes at most. */
  putPageBytesMax: 4 * mib,
  /** A run of an image that stands in an upload, as one row: a leaf. Longer ones are rows of this length. */
  stagedRunBytesMax: 16 * mib,
  /** Runs of one request, and the bytes that they tell of: some five thousand rows. */
  stagedRunsMax: 1000,
  stagedRunsBytesMax: 64 * gib,
  /** Leaves whose digests one answer lists (64 GiB of disk), and leaves whose chunks one answer lists: half a MiB. */
  leafDigestsMax: 4096,
  leafNodesMax: 64,
  /** Pages and pieces of reads in memory at once, of all clients: 64 of the largest. Beyond it they wait, then retry. */
  transferBytesMax: 256 * mib,
  transferWaitersMax: 1024,
  /** Pieces of 4 MiB that one import fetches at the same time: they fill most links, and are its memory. */
  importRequestsAtOnce: 4,
  /** Of one block, or of a blob that comes in one request: five minutes of a slow line; Azure takes 4000 MiB. */
  blobBodyBytesMax: gib,
  /** Azure's bounds: blocks of a blob, blocks that wait for one, the largest page blob. */
  blobBlocksMax: 50_000,
  stagedBlocksMax: 100_000,
  pageBlobBytesMax: 8 * 1024 * gib,
  /** A list of so many blocks with the longest ids. */
  blockListBytesMax: 8 * mib,
  /** Blobs and containers on one page of a list; Azure's own bound. */
  blobPageRows: 5_000,
  /** What is copied from blob to blob while a client waits for the answer. */
  blobCopyBytesMax: gib,
  /** ARM's own bound for a request body. */
  bodyBytesMax: 4 * mib,
  /** A stored document as JSON: all tags and a thousand region settings fit, and a page of a list stays below 7 MiB. */
  documentCharsMax: 64 * kib,
  /** Members and elements of a resource's body: a document that is kept has fewer, a body of 4 MiB has room for a million. */
  bodyValuesMax: 20_000,
  /** Faults of a request that its refusal tells. */
  problemsToldMax: 100,
  /** Ranged reads that lie nearer than this are joined: a gap costs less than a request. */
  joinGapBytes: 256 * kib,
  joinedReadBytesMax: 4 * mib,

  /** A worker silent this long loses its row to another; see docs/adr/0004. */
  leaseMs: 30_000,
  heartbeatMs: 1_000,
  /** Attempts of one step while a part is away before its failure is final: eleven minutes of backoff outlast a restart. */
  stepAttemptsMax: 18,
  /** Room comes only when somebody makes it: who waits is told after seconds. */
  fullAttemptsMax: 4,
  /** Our own faults rarely heal: fewer attempts, then Failed with the log's id. */
  ownFaultAttemptsMax: 3,
  /** A write that lost a race is planned again this often, then 409. */
  replanMax: 3,
  /** An edit of one part fits whatever the others did, so only a crowd of editors ends it: 20 at once get through. */
  editReplanMax: 20,

  /** What of one image in one space is told to be lost, at most: enough to see what it is. */
  lostPartsMax: 100,
  /** Names and values of tags that were made ahead, of one subscription; Azure's own bound. */
  tagNamesMax: 10_000,
  /** All that one principal was given is held in memory while it asks. */
  assignmentsPerPrincipalMax: 20_000,
  /** Grants of one gallery or definition. */
  grantsPerScopeMax: 100,
  /** Grants of one tenant to one grantee: all of them are held in memory with each of his principals. */
  grantsPerGranteeMax: 1_000,
  /** And of all tenants to him. */
  grantsPerGranteeEverywhereMax: 5_000,
  /** Users, groups and applications of a tenant, of each: a filter without an index looks at all of them. */
  principalsMax: 100_000,
  /** Direct members of a group, and groups that one is directly in. */
  groupMembersMax: 20_000,
  groupsOfMemberMax: 1_000,
  /** Groups in groups: a chain of so many. */
  groupDepthMax: 8,
  /** Secrets of an application: each is a guess of 40 ms when somebody signs in with a wrong one. */
  credentialsMax: 20,
  /** Sessions, open pages and device codes in which nobody has signed in yet, of each: anybody may begin one. */
  signinStatesOfNobodyMax: 50_000,
  /** Sessions, refresh tokens and the like of one account, of each. */
  signinStatesOfAccountMax: 1_000,
  /** Assertions of one application that have not run out yet: each is good once. */
  signinAssertionsMax: 10_000,
  /** A used refresh token is known for so long, to be told from one that was made up. */
  signinUsedKeptMs: 3_600_000,
  /**
   * Tries of a window: of one user from one network, as most directories have it; from one network, where many may sit;
   * and of one user from anywhere, so many that few networks cannot lock him out (100,000 guesses a day are none).
   */
  signinTriesOfUserMax: 10,
  signinTriesOfNetworkMax: 200,
  signinTriesOfUserEverywhereMax: 1_000,
  signinTriesMs: 15 * 60_000,
  /** Wrong secrets of a window: of one client from one network, and from one network: 80 seconds of hashing. */
  secretTriesOfClientMax: 100,
  secretTriesOfNetworkMax: 2_000,
  /** NIST SP 800-63B asks for eight and no rules of composition; twelve, because a machine guesses. */
  passwordCharsMin: 12,
  passwordCharsMax: 256,
  /** Azure's own bound for the custom roles of a tenant; and of all tenants, since all are held in memory. */
  roleDefinitionsMax: 5_000,
  roleDefinitionsEverywhereMax: 20_000,
  /** Beside the home tenant. A change of the directory looks at each. */
  tenantsMax: 1_000,

  /** Azure's own bounds of what a gallery is shared to. */
  sharedSubscriptionsMax: 30,
  sharedTenantsMax: 5,

  /** A root as JSON: the documents of a version and all above it, with room. */
  rootBytesMax: mib,

  /** Azure's own bounds of deployments: a name; those of a scope that are kept; the resources of a template. */
  deploymentNameCharsMax: 64,
  deploymentsPerScopeMax: 800,
  deploymentResourcesMax: 800,
  /** Nested deployments of one deployment that run or wait: its resources, and theirs. */
  nestedDeploymentsMax: 1_000,
  /** Resources of a deployment that are under way at the same time. */
  deploymentWritesAtOnce: 20,
  /** Reads that follow from one another, of one body of a template. */
  deploymentFactRoundsMax: 20,
  /** Different reads of one body of a template. */
  deploymentFactsMax: 1_000,
  /** Resources that a complete deployment looks at in its group. */
  completeModeRowsMax: 5_000,
  /** Resources of one exported template; Azure's own bound. */
  exportedResourcesMax: 200,
  /** Resources that go to another group in one move, with all below; Azure's own bound, there of those named. And their roots. */
  movedRowsMax: 800,
  movedRootsMax: 4_000,
  /** Rows of the ledger that one answer adds up: a million versions and regions; and the lines that it tells. */
  ledgerRowsMax: 1_000_000,
  costLinesMax: 5_000,

  /** Streams of events that a process keeps open, and those of one principal: each looks for more every second. */
  eventStreamsMax: 200,
  eventStreamsOfPrincipalMax: 10,
  /** Of a subscription, or of what is above all of them in a tenant: each is looked at every two seconds. */
  eventSubscriptionsMax: 100,
  /** Deliveries that fail one after another, over some fifteen hours. */
  webhookAttemptsMax: 25,
  /** Rows of a list page. */
  pageRows: 100,
  /** Rows that one page of a filtered list looks at: some ten milliseconds. What is left is the next page's. */
  filteredRowsMax: 2_000,
  /** Finished operations are kept this long for pollers that come back. */
  operationKeptMs: 7 * 24 * 3_600_000,
  /** Azure's time: so long a version that is deleted softly can be restored. */
  softDeletedKeptMs: 7 * 24 * 3_600_000,
} as const

export const sizes = { kib, mib, gib } as const
