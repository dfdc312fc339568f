// A life through Azure's Go SDK (azure-sdk-for-go 68, go-autorest), as Debian packages it. It stops at the first surprise.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/services/compute/mgmt/2022-03-03/compute"
	"github.com/Azure/azure-sdk-for-go/services/resources/mgmt/2021-01-01/subscriptions"
	"github.com/Azure/azure-sdk-for-go/services/resources/mgmt/2021-04-01/resources"
	"github.com/Azure/go-autorest/autorest"
	"github.com/Azure/go-autorest/autorest/adal"
	"github.com/Azure/go-autorest/autorest/to"
)

const (
	group, place        = "goRG", "westeurope"
	gallery, definition = "goGallery", "linux"
)

var ctx = context.Background()

// must ends the program: `what` is what was done.
func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func expect(holds bool, what string, seen interface{}) {
	if !holds {
		must(fmt.Errorf("saw %v", seen), what)
	}
}

// future is what every long-running call of the SDK returns.
type future interface {
	WaitForCompletionRef(ctx context.Context, client autorest.Client) error
}

func wait(operation future, err error, client autorest.Client, what string) {
	must(err, what)
	must(operation.WaitForCompletionRef(ctx, client), what)
}

// signedIn asks `{authority}/{tenant}/oauth2/token` as ADAL does: for a resource, not a scope.
func signedIn(url string) autorest.Authorizer {
	var owner struct{ TenantID, ClientID, ClientSecret string }
	text, err := os.ReadFile(os.Getenv("VITRINE_OWNER"))
	must(err, "reading the owner")
	must(json.Unmarshal(text, &owner), "reading the owner")
	config, err := adal.NewOAuthConfig(url, owner.TenantID)
	must(err, "the authority")
	token, err := adal.NewServicePrincipalToken(*config, owner.ClientID, owner.ClientSecret, url+"/")
	must(err, "the credential")
	must(token.EnsureFresh(), "signing in")
	return autorest.NewBearerAuthorizer(token)
}

func upload(sas string, data []byte) {
	request, err := http.NewRequest("PUT", sas+"&comp=page", bytes.NewReader(data))
	must(err, "uploading")
	request.Header.Set("x-ms-page-write", "update")
	request.Header.Set("x-ms-range", fmt.Sprintf("bytes=0-%d", len(data)-1))
	answer, err := http.DefaultClient.Do(request)
	must(err, "uploading")
	defer answer.Body.Close()
	expect(answer.StatusCode == 201, "uploading", answer.Status)
}

func download(sas string) []byte {
	answer, err := http.Get(sas)
	must(err, "downloading")
	defer answer.Body.Close()
	bytes, err := io.ReadAll(answer.Body)
	must(err, "downloading")
	return bytes
}

func main() {
	url := os.Getenv("VITRINE_URL")
	authorizer := signedIn(url)

	subscriptionClient := subscriptions.NewClientWithBaseURI(url)
	subscriptionClient.Authorizer = authorizer
	listed, err := subscriptionClient.List(ctx)
	must(err, "listing subscriptions")
	expect(len(listed.Values()) == 1, "listing subscriptions", len(listed.Values()))
	subscription := *listed.Values()[0].SubscriptionID

	groups := resources.NewGroupsClientWithBaseURI(url, subscription)
	groups.Authorizer = authorizer
	galleries := compute.NewGalleriesClientWithBaseURI(url, subscription)
	galleries.Authorizer = authorizer
	images := compute.NewGalleryImagesClientWithBaseURI(url, subscription)
	images.Authorizer = authorizer
	versions := compute.NewGalleryImageVersionsClientWithBaseURI(url, subscription)
	versions.Authorizer = authorizer
	disks := compute.NewDisksClientWithBaseURI(url, subscription)
	disks.Authorizer = authorizer
	usages := compute.NewUsageClientWithBaseURI(url, subscription)
	usages.Authorizer = authorizer

	_, err = groups.CreateOrUpdate(ctx, group, resources.Group{Location: to.StringPtr(place)})
	must(err, "making a group")
	made, err := galleries.CreateOrUpdate(ctx, group, gallery, compute.Gallery{
		Location:          to.StringPtr(place),
		GalleryProperties: &compute.GalleryProperties{
			Description:    to.StringPtr("by Go"),
			SharingProfile: &compute.SharingProfile{Permissions: compute.Groups},
		},
	})
	wait(&made, err, galleries.Client, "making a gallery")
	shown, err := made.Result(galleries)
	must(err, "the gallery that was made")
	expect(shown.ProvisioningState == "Succeeded", "the gallery that was made", shown.ProvisioningState)
	defined, err := images.CreateOrUpdate(ctx, group, gallery, definition, compute.GalleryImage{
		Location: to.StringPtr(place),
		GalleryImageProperties: &compute.GalleryImageProperties{
			OsType:           compute.OperatingSystemTypesLinux,
			OsState:          compute.Generalized,
			HyperVGeneration: compute.V1,
			Identifier: &compute.GalleryImageIdentifier{
				Publisher: to.StringPtr("Contoso"), Offer: to.StringPtr("Linux"), Sku: to.StringPtr("Go"),
			},
		},
	})
	wait(&defined, err, images.Client, "making a definition")
	image, err := defined.Result(images)
	must(err, "the definition that was made")

	data := make([]byte, 256*1024)
	for at := range data {
		data[at] = byte(at*31 + at>>9)
	}
	source := makeDisk(disks, "os", &compute.CreationData{
		CreateOption:    compute.Upload,
		UploadSizeBytes: to.Int64Ptr(int64(len(data))),
	}, place)
	upload(grant(disks, "os", compute.Write), data)
	revoke(disks, "os")

	published, err := versions.CreateOrUpdate(ctx, group, gallery, definition, "1.0.0", compute.GalleryImageVersion{
		Location: to.StringPtr(place),
		GalleryImageVersionProperties: &compute.GalleryImageVersionProperties{
			PublishingProfile: &compute.GalleryImageVersionPublishingProfile{
				TargetRegions: &[]compute.TargetRegion{
					{Name: to.StringPtr(place)},
					{Name: to.StringPtr("eastus"), RegionalReplicaCount: to.Int32Ptr(2)},
				},
			},
			StorageProfile: &compute.GalleryImageVersionStorageProfile{
				OsDiskImage: &compute.GalleryOSDiskImage{
					Source: &compute.GalleryDiskImageSource{ID: source.ID},
				},
			},
		},
	})
	wait(&published, err, versions.Client, "publishing a version")
	version, err := versions.Get(ctx, group, gallery, definition, "1.0.0", compute.ReplicationStatusTypesReplicationStatus)
	must(err, "reading a version")
	state := version.ReplicationStatus.AggregatedState
	expect(state == compute.Completed, "replication", state)
	count := 0
	for page, err := versions.ListByGalleryImageComplete(ctx, group, gallery, definition); page.NotDone(); err = page.NextWithContext(ctx) {
		must(err, "listing versions")
		count++
	}
	expect(count == 1, "listing versions", count)

	makeDisk(disks, "fromLatest", &compute.CreationData{
		CreateOption:          compute.FromImage,
		GalleryImageReference: &compute.ImageDiskReference{ID: image.ID},
	}, "eastus")
	vhd := download(grant(disks, "fromLatest", compute.Read))
	expect(bytes.HasPrefix(vhd, data), "the bytes of the latest version", len(vhd))
	revoke(disks, "fromLatest")

	changed, err := versions.Update(ctx, group, gallery, definition, "1.0.0", compute.GalleryImageVersionUpdate{
		Tags: map[string]*string{"by": to.StringPtr("Go")},
	})
	wait(&changed, err, versions.Client, "updating a version")
	version, err = versions.Get(ctx, group, gallery, definition, "1.0.0", "")
	must(err, "reading what was updated")
	expect(*version.Tags["by"] == "Go", "updating a version", version.Tags)

	sharing := compute.NewGallerySharingProfileClientWithBaseURI(url, subscription)
	sharing.Authorizer = authorizer
	guest := "10000000-0000-4000-8000-000000000001"
	shared, err := sharing.Update(ctx, group, gallery, compute.SharingUpdate{
		OperationType: compute.Add,
		Groups:        &[]compute.SharingProfileGroup{{Type: compute.Subscriptions, Ids: &[]string{guest}}},
	})
	wait(&shared, err, sharing.Client, "sharing a gallery")
	told, err := galleries.Get(ctx, group, gallery, "", compute.SharingProfileGroups)
	must(err, "reading what is shared")
	ids := *(*told.SharingProfile.Groups)[0].Ids
	expect(len(ids) == 1 && ids[0] == guest, "sharing a gallery", ids)

	used, err := usages.List(ctx, place)
	must(err, "reading the usages")
	expect(len(used.Values()) >= 3, "reading the usages", used.Values())

	_, err = galleries.Delete(ctx, group, gallery)
	isRefusal := err != nil && strings.Contains(err.Error(), `Code="CannotDeleteResource"`)
	expect(isRefusal, "deleting what has children", err)
	gone, err := versions.Delete(ctx, group, gallery, definition, "1.0.0")
	wait(&gone, err, versions.Client, "deleting a version")
	missing, err := versions.Get(ctx, group, gallery, definition, "1.0.0", "")
	expect(err != nil && missing.StatusCode == 404, "reading what was deleted", err)
	ended, err := groups.Delete(ctx, group, "")
	wait(&ended, err, groups.Client, "deleting the group")
	there, err := groups.CheckExistence(ctx, group)
	must(err, "asking for the group")
	expect(there.StatusCode == 404, "asking for the group", there.StatusCode)
	fmt.Println(url, "served a life through Go")
}

func makeDisk(disks compute.DisksClient, name string, creation *compute.CreationData, location string) compute.Disk {
	made, err := disks.CreateOrUpdate(ctx, group, name, compute.Disk{
		Location: to.StringPtr(location),
		DiskProperties: &compute.DiskProperties{
			OsType:           compute.OperatingSystemTypesLinux,
			HyperVGeneration: compute.V1,
			CreationData:     creation,
		},
	})
	wait(&made, err, disks.Client, "making the disk "+name)
	disk, err := made.Result(disks)
	must(err, "the disk "+name)
	return disk
}

func grant(disks compute.DisksClient, name string, access compute.AccessLevel) string {
	granted, err := disks.GrantAccess(ctx, group, name, compute.GrantAccessData{
		Access: access, DurationInSeconds: to.Int32Ptr(3600),
	})
	wait(&granted, err, disks.Client, "granting access to "+name)
	uri, err := granted.Result(disks)
	must(err, "granting access to "+name)
	return *uri.AccessSAS
}

func revoke(disks compute.DisksClient, name string) {
	revoked, err := disks.RevokeAccess(ctx, group, name)
	wait(&revoked, err, disks.Client, "revoking access to "+name)
}
