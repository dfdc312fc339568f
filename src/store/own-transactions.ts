import type { PrincipalRows } from '../domain/principals.ts'
import type { AllRows } from './all-rows.ts'
import { auditedDirectory } from './audited-directory.ts'
import type { Store } from './store.ts'

type Write = <Result>(act: (rows: AllRows) => Promise<Result>) => Promise<Result>

type Small = Pick<
  Store,
  'holdings' | 'uploads' | 'directory' | 'directoryFor' | 'secrets' | 'signin' | 'people'
>

/**
 * The row groups whose methods are each a transaction of their own: those that only look use `read`, the others go
 * through `write`.
 */
export function ownTransactions(read: AllRows, write: Write): Small {
  return {
    holdings: {
      ...read.holdings,
      intend: (owner, wanted) => write((rows) => rows.holdings.intend(owner, wanted)),
      landed: (ids) => write((rows) => rows.holdings.landed(ids)),
      claim: (owner, ids) => write((rows) => rows.holdings.claim(owner, ids)),
      sweep: (space, holdMs, rowsMax) =>
        write((rows) => rows.holdings.sweep(space, holdMs, rowsMax)),
      forget: (ids) => write((rows) => rows.holdings.forget(ids)),
      looked: (ids) => write((rows) => rows.holdings.looked(ids)),
      foundGood: (ids, asOf) => write((rows) => rows.holdings.foundGood(ids, asOf)),
      foundBad: (id, isNowhere) => write((rows) => rows.holdings.foundBad(id, isNowhere)),
      release: (owner) => write((rows) => rows.holdings.release(owner)),
    },
    uploads: {
      ...read.uploads,
      add: (upload, page, grant) => write((rows) => rows.uploads.add(upload, page, grant)),
      addRuns: (upload, wanted, grants) =>
        write((rows) => rows.uploads.addRuns(upload, wanted, grants)),
      release: (upload) => write((rows) => rows.uploads.release(upload)),
      drop: (upload, seqs) => write((rows) => rows.uploads.drop(upload, seqs)),
    },
    directory: {
      applications: {
        ...read.applications,
        putIfAbsent: (application) => write((rows) => rows.applications.putIfAbsent(application)),
      },
      assignments: {
        ...read.assignments,
        put: (...asked) => write((rows) => rows.assignments.put(...asked)),
        remove: (id, lastOf) => write((rows) => rows.assignments.remove(id, lastOf)),
      },
      roleDefinitions: {
        ...read.roleDefinitions,
        put: (definition, before) => write((rows) => rows.roleDefinitions.put(definition, before)),
        remove: (id) => write((rows) => rows.roleDefinitions.remove(id)),
      },
      ...principals(read, write),
      of: (tenantId) =>
        principals(read.of(tenantId), (act) => write((rows) => act(rows.of(tenantId)))),
      tenants: {
        ...read.tenants,
        put: (tenant, owner) => write((rows) => rows.tenants.put(tenant, owner)),
        remove: (id) => write((rows) => rows.tenants.remove(id)),
      },
      invitations: {
        ...read.invitations,
        put: (invitation, guest) => write((rows) => rows.invitations.put(invitation, guest)),
        redeem: (hash, nowMs, how) => write((rows) => rows.invitations.redeem(hash, nowMs, how)),
        revoke: (tenantId, id, lastOf) =>
          write((rows) => rows.invitations.revoke(tenantId, id, lastOf)),
      },
    },
    directoryFor: (tell, tenantId) => {
      const bound = (rows: AllRows): AllRows =>
        tenantId === undefined ? rows : { ...rows, ...rows.of(tenantId) }
      return auditedDirectory(bound(read), (act) => write((rows) => act(bound(rows))), tell)
    },
    secrets: {
      ...read.secrets,
      putIfAbsent: (name, value) => write((rows) => rows.secrets.putIfAbsent(name, value)),
      replace: (name, held, value) => write((rows) => rows.secrets.replace(name, held, value)),
    },
    signin: {
      ...read.signin,
      put: (state) => write((rows) => rows.signin.put(state)),
      claim: (state) => write((rows) => rows.signin.claim(state)),
      use: (key, nowMs) => write((rows) => rows.signin.use(key, nowMs)),
      ask: (key, nowMs, everyMs) => write((rows) => rows.signin.ask(key, nowMs, everyMs)),
      remove: (by, value) => write((rows) => rows.signin.remove(by, value)),
      count: (key, nowMs, windowMs) => write((rows) => rows.signin.count(key, nowMs, windowMs)),
      uncount: (key, what) => write((rows) => rows.signin.uncount(key, what)),
      sweep: (nowMs, rowsMax) => write((rows) => rows.signin.sweep(nowMs, rowsMax)),
    },
    people: {
      ...read.people,
      setPassword: (password) => write((rows) => rows.people.setPassword(password)),
    },
  }
}

function principals(
  read: PrincipalRows,
  write: <Result>(act: (rows: PrincipalRows) => Promise<Result>) => Promise<Result>,
): PrincipalRows {
  return {
    users: {
      ...read.users,
      put: (user, lastOf, before) => write((rows) => rows.users.put(user, lastOf, before)),
      remove: (id, lastOf) => write((rows) => rows.users.remove(id, lastOf)),
    },
    groups: {
      ...read.groups,
      put: (group, before) => write((rows) => rows.groups.put(group, before)),
      remove: (id, lastOf) => write((rows) => rows.groups.remove(id, lastOf)),
    },
    members: {
      ...read.members,
      add: (groupId, memberId) => write((rows) => rows.members.add(groupId, memberId)),
      remove: (groupId, memberId, lastOf) =>
        write((rows) => rows.members.remove(groupId, memberId, lastOf)),
    },
    registrations: {
      ...read.registrations,
      put: (application, lastOf, before) =>
        write((rows) => rows.registrations.put(application, lastOf, before)),
      remove: (clientId, lastOf) => write((rows) => rows.registrations.remove(clientId, lastOf)),
      addPrincipal: (principal) => write((rows) => rows.registrations.addPrincipal(principal)),
      removePrincipal: (objectId, lastOf) =>
        write((rows) => rows.registrations.removePrincipal(objectId, lastOf)),
      addCredential: (clientId, credential) =>
        write((rows) => rows.registrations.addCredential(clientId, credential)),
      replaceCredentials: (clientId, change, lastOf) =>
        write((rows) => rows.registrations.replaceCredentials(clientId, change, lastOf)),
      removeCredential: (clientId, id, lastOf) =>
        write((rows) => rows.registrations.removeCredential(clientId, id, lastOf)),
    },
  }
}
