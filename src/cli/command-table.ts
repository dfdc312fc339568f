import type { CommandGroup } from './command.ts'
import { accountCommands } from './commands/account.ts'
import { auditCommands } from './commands/audit.ts'
import { azSetupCommands } from './commands/az-setup.ts'
import { completionCommands } from './commands/completion.ts'
import { costCommands } from './commands/cost.ts'
import { deploymentCommands } from './commands/deployment.ts'
import { applicationCommands, userCommands, userGroupCommands } from './commands/directory.ts'
import { diskCommands } from './commands/disk.ts'
import { eventSubscriptionCommands } from './commands/event-subscription.ts'
import { eventsCommands } from './commands/events.ts'
import { galleryCommands } from './commands/gallery.ts'
import {
  applicationVersionCommands,
  galleryApplicationCommands,
} from './commands/gallery-application.ts'
import { grantCommands } from './commands/grant.ts'
import { groupCommands } from './commands/group.ts'
import { imageCommands } from './commands/image.ts'
import { imageDefinitionCommands } from './commands/image-definition.ts'
import { imageUrlCommands } from './commands/image-url.ts'
import { imageVersionCommands } from './commands/image-version.ts'
import { invitationCommands } from './commands/invitation.ts'
import { type LocalCommands, localCommands } from './commands/local.ts'
import { loginCommands } from './commands/login.ts'
import { operationCommands } from './commands/operation.ts'
import { roleAssignmentCommands, roleDefinitionCommands } from './commands/role.ts'
import { sharedGalleryCommands } from './commands/shared-gallery.ts'
import { snapshotCommands } from './commands/snapshot.ts'
import { spaceCommands } from './commands/space.ts'
import { tenantCommands } from './commands/tenant.ts'
import { usageCommands } from './commands/usage.ts'

/** Every command there is, in the order of `--help`. */
export function commandTable(local: LocalCommands): readonly CommandGroup[] {
  const table = [
    localCommands(local),
    loginCommands,
    accountCommands,
    groupCommands,
    galleryCommands,
    sharedGalleryCommands,
    imageDefinitionCommands,
    imageVersionCommands,
    imageUrlCommands,
    galleryApplicationCommands,
    applicationVersionCommands,
    diskCommands,
    snapshotCommands,
    imageCommands,
    userCommands,
    userGroupCommands,
    applicationCommands,
    invitationCommands,
    tenantCommands,
    roleAssignmentCommands,
    roleDefinitionCommands,
    grantCommands,
    auditCommands,
    eventsCommands,
    eventSubscriptionCommands,
    costCommands,
    usageCommands,
    spaceCommands(local),
    deploymentCommands,
    operationCommands,
    azSetupCommands,
  ]
  return [...table, completionCommands(table)]
}
