"""A life through Azure's Python SDKs, as Debian packages them. Asserts as it goes; tells at the end what it went through."""
import json
import os
import pkgutil
import uuid

import azure.mgmt.compute
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.resource import ResourceManagementClient, SubscriptionClient
from azure.storage.blob import BlobClient

url = os.environ["VITRINE_URL"]
owner = json.load(open(os.environ["VITRINE_OWNER"]))
group, place = "pythonRG", "westeurope"
gallery, definition = "pythonGallery", "linux"

# Instance discovery asks Microsoft whether it knows this authority. Later releases of azure-identity, and its other
# languages, say `disable_instance_discovery=True`.
credential = ClientSecretCredential(
    owner["tenantId"],
    owner["clientId"],
    owner["clientSecret"],
    authority=url,
    instance_discovery=False,
)
options = {"base_url": url, "credential_scopes": [f"{url}/.default"]}
[subscription] = list(SubscriptionClient(credential, **options).subscriptions.list())
of = (credential, subscription.subscription_id)


def compute(**more):
    return ComputeManagementClient(*of, **options, **more)


def versions_with(operations):
    """The api-versions at which the SDK has these operations, ascending."""
    names = (one.name for one in pkgutil.iter_modules(azure.mgmt.compute.__path__))
    found = []
    for name in sorted(name for name in names if name.startswith("v2")):
        module = __import__(f"azure.mgmt.compute.{name}.operations", fromlist=[operations])
        if hasattr(module, operations):
            found.append(name[1:].replace("_", "-"))
    return found


def upload(name, data):
    disks = compute().disks
    disk = disks.begin_create_or_update(
        group,
        name,
        {
            "location": place,
            "os_type": "Linux",
            "hyper_v_generation": "V1",
            "creation_data": {"create_option": "Upload", "upload_size_bytes": len(data)},
        },
    ).result()
    assert disk.disk_state == "ReadyToUpload", disk.disk_state
    access = {"access": "Write", "duration_in_seconds": 3600}
    sas = disks.begin_grant_access(group, name, access).result().access_sas
    BlobClient.from_blob_url(sas).upload_page(data, offset=0, length=len(data))
    disks.begin_revoke_access(group, name).result()
    return disks.get(group, name)


def download(name):
    disks = compute().disks
    access = {"access": "Read", "duration_in_seconds": 3600}
    sas = disks.begin_grant_access(group, name, access).result().access_sas
    vhd = BlobClient.from_blob_url(sas).download_blob().readall()
    disks.begin_revoke_access(group, name).result()
    return vhd[:-512]


resources = ResourceManagementClient(*of, **options)
assert resources.resource_groups.create_or_update(group, {"location": place}).name == group
client = compute()
made = client.galleries.begin_create_or_update(
    group,
    gallery,
    {
        "location": place,
        "description": "by Python",
        "sharing_profile": {"permissions": "Groups"},
    },
).result()
assert made.provisioning_state == "Succeeded" and made.identifier.unique_name
image = client.gallery_images.begin_create_or_update(
    group,
    gallery,
    definition,
    {
        "location": place,
        "os_type": "Linux",
        "os_state": "Generalized",
        "hyper_v_generation": "V1",
        "identifier": {"publisher": "Contoso", "offer": "Linux", "sku": "Python"},
    },
).result()
assert image.identifier.sku == "Python"

data = bytes((at * 31 + (at >> 9)) & 0xFF for at in range(256 * 1024))
disk = upload("os", data)
assert disk.disk_state == "Unattached" and disk.time_created is not None
snapshot = client.snapshots.begin_create_or_update(
    group,
    "os",
    {"location": place, "creation_data": {"create_option": "Copy", "source_resource_id": disk.id}},
).result()
assert snapshot.provisioning_state == "Succeeded"
managed = client.images.begin_create_or_update(
    group,
    "os",
    {
        "location": place,
        "hyper_v_generation": "V1",
        "storage_profile": {
            "os_disk": {"os_type": "Linux", "os_state": "Generalized", "managed_disk": {"id": disk.id}}
        },
    },
).result()
assert managed.provisioning_state == "Succeeded"

at = (group, gallery, definition)
published = client.gallery_image_versions.begin_create_or_update(
    *at,
    "1.0.0",
    {
        "location": place,
        "storage_profile": {"os_disk_image": {"source": {"id": disk.id}}},
        "publishing_profile": {
            "target_regions": [{"name": place}, {"name": "eastus", "regional_replica_count": 2}]
        },
    },
).result()
assert published.provisioning_state == "Succeeded"
shown = client.gallery_image_versions.get(*at, "1.0.0", expand="ReplicationStatus")
assert shown.replication_status.aggregated_state == "Completed"
assert [one.progress for one in shown.replication_status.summary] == [100, 100]

changed = client.gallery_image_versions.begin_update(
    *at, "1.0.0", {"tags": {"by": "Python"}}
).result()
assert changed.tags == {"by": "Python"} and changed.provisioning_state == "Succeeded"
guest = "10000000-0000-4000-8000-000000000001"
client.gallery_sharing_profile.begin_update(
    group,
    gallery,
    {"operation_type": "Add", "groups": [{"type": "Subscriptions", "ids": [guest]}]},
).result()
[shared] = client.galleries.get(group, gallery, expand="SharingProfile/Groups").sharing_profile.groups
assert shared.type == "Subscriptions" and shared.ids == [guest]

# As clients of 2018 made one: the source in the publishing profile.
old = compute(api_version="2018-06-01")
early = old.gallery_image_versions.begin_create_or_update(
    *at,
    "0.9.0",
    {"location": place, "publishing_profile": {"source": {"managed_image": {"id": managed.id}}}},
).result()
assert early.publishing_profile.source.managed_image.id == managed.id

client.disks.begin_create_or_update(
    group,
    "fromLatest",
    {
        "location": "eastus",
        "creation_data": {"create_option": "FromImage", "gallery_image_reference": {"id": image.id}},
    },
).result()
assert download("fromLatest") == data

# What was made is read at each api-version that this SDK ever sent, into the model that it had then.
read = {}
for family, operations, look in [
    ("galleries", "GalleriesOperations", lambda c: (c.galleries.get(group, gallery), c.galleries.list())),
    ("definitions", "GalleryImagesOperations", lambda c: (c.gallery_images.get(*at), c.gallery_images.list_by_gallery(*at[:2]))),
    ("versions", "GalleryImageVersionsOperations", lambda c: (c.gallery_image_versions.get(*at, "1.0.0"), c.gallery_image_versions.list_by_gallery_image(*at))),
    ("disks", "DisksOperations", lambda c: (c.disks.get(group, "os"), c.disks.list_by_resource_group(group))),
    ("snapshots", "SnapshotsOperations", lambda c: (c.snapshots.get(group, "os"), c.snapshots.list())),
    ("images", "ImagesOperations", lambda c: (c.images.get(group, "os"), c.images.list())),
]:
    read[family] = versions_with(operations)
    for version in read[family]:
        one, listed = look(compute(api_version=version))
        assert one.id and one.name and one.type.startswith("Microsoft.Compute/"), (family, version)
        assert one.location == place, (family, version)
        assert one.provisioning_state == "Succeeded", (family, version)
        names = [each.name for each in listed]
        assert one.name in names, (family, version, names)
read["usages"] = versions_with("UsageOperations")
for version in read["usages"]:
    used = {one.name.value: one for one in compute(api_version=version).usage.list(place)}
    assert used["GalleryImageVersion"].current_value == 2, version
    assert used["Gallery"].limit >= 100 and used["Gallery"].unit == "Count", version

reader = next(
    iter(
        AuthorizationManagementClient(*of, **options).role_definitions.list(
            image.id, filter="roleName eq 'Reader'"
        )
    )
)
assert reader.role_type == "BuiltInRole"
principal = os.environ["VITRINE_PRINCIPAL"]
for version in ["2015-07-01", "2018-01-01-preview", "2020-10-01-preview", "2022-04-01"]:
    roles = AuthorizationManagementClient(*of, **options, api_version=version).role_assignments
    name = str(uuid.uuid4())
    properties = {"role_definition_id": reader.id, "principal_id": principal}
    if version >= "2020":
        properties["principal_type"] = "ServicePrincipal"
    sent = {"properties": properties} if version == "2015-07-01" else properties
    given = roles.create(image.id, name, sent)
    assert given.name == name, version
    assert name in [one.name for one in roles.list_for_scope(image.id)], version
    roles.delete(image.id, name)

try:
    client.galleries.begin_delete(group, gallery).result()
    raise AssertionError("a gallery that has definitions was deleted")
except HttpResponseError as refused:
    assert refused.error.code == "CannotDeleteResource", refused.error
client.gallery_image_versions.begin_delete(*at, "1.0.0").result()
try:
    client.gallery_image_versions.get(*at, "1.0.0")
    raise AssertionError("what was deleted is there")
except ResourceNotFoundError as missing:
    assert missing.error.code == "ResourceNotFound", missing.error
resources.resource_groups.begin_delete(group).result()
assert not resources.resource_groups.check_existence(group)
print(json.dumps(read))
