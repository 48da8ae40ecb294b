using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.RealServer;

[Collection(RealServerTests.Name)]
public sealed class ClientLiveTests(RealApiServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_object_is_created_read_changed_and_deleted()
    {
        using var client = server.Client();
        var name = new NamespacedName("default", Unique());
        var created = await client.CreateAsync(Map(name, ("a", "1")), Token);

        (await client.GetAsync<V1ConfigMap>(name, Token))!.Data!["a"].ShouldBe("1");
        var updated = await client.UpdateAsync(created with { Data = new Dictionary<string, string> { ["a"] = "2" } }, Token);
        updated.Metadata.ResourceVersion.ShouldNotBe(created.Metadata.ResourceVersion);
        var patched = await client.PatchAsync<V1ConfigMap>(name, new JsonObject { ["data"] = new JsonObject { ["b"] = "3" } }, Token);
        patched.Data.ShouldBe(new Dictionary<string, string> { ["a"] = "2", ["b"] = "3" });

        (await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(Map(name), Token)))
            .Reason.ShouldBe(StatusReason.AlreadyExists);
        (await Should.ThrowAsync<KubernetesException>(() => client.UpdateAsync(created, Token)))
            .Reason.ShouldBe(StatusReason.Conflict);
        (await Should.ThrowAsync<KubernetesException>(
                () => client.DeleteAsync<V1ConfigMap>(name, new DeleteOptions { Uid = "other" }, Token)))
            .Reason.ShouldBe(StatusReason.Conflict);
        (await client.DeleteAsync<V1ConfigMap>(name, new DeleteOptions { Uid = created.Metadata.Uid }, Token)).ShouldBeTrue();
        (await client.DeleteAsync<V1ConfigMap>(name, cancellationToken: Token)).ShouldBeFalse();
        (await client.GetAsync<V1ConfigMap>(name, Token)).ShouldBeNull();
    }

    [Fact]
    public async Task A_patch_with_an_old_version_is_refused()
    {
        using var client = server.Client();
        var name = new NamespacedName("default", Unique());
        var created = await client.CreateAsync(Map(name), Token);
        _ = await client.PatchAsync<V1ConfigMap>(name, new JsonObject { ["data"] = new JsonObject { ["b"] = "3" } }, Token);

        var stale = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = created.Metadata.ResourceVersion } };

        (await Should.ThrowAsync<KubernetesException>(() => client.PatchAsync<V1ConfigMap>(name, stale, Token)))
            .Reason.ShouldBe(StatusReason.Conflict);
    }

    [Fact]
    public async Task Lists_are_selected_and_paged()
    {
        using var client = server.Client();
        var mark = Unique();
        foreach (var number in Enumerable.Range(0, 5))
        {
            var map = Map(new NamespacedName("default", $"{mark}-{number}"));
            _ = await client.CreateAsync(
                map with { Metadata = map.Metadata with { Labels = new Dictionary<string, string> { ["mark"] = mark } } }, Token);
        }

        var all = await client.ListAsync<V1ConfigMap>(new ListQuery { LabelSelector = $"mark={mark}", PageSize = 2 }, Token);
        var one = await client.ListAsync<V1ConfigMap>(
            new ListQuery { Namespace = "default", FieldSelector = $"metadata.name={mark}-3", ResourceVersion = "0" }, Token);

        all.Items.Select(item => item.Metadata.Name).ShouldBe(Enumerable.Range(0, 5).Select(number => $"{mark}-{number}"));
        one.Items.Single().Metadata.Name.ShouldBe($"{mark}-3");
        (await client.ListAsync<V1Namespace>(cancellationToken: Token)).Items.ShouldContain(home => home.Metadata.Name == "kube-system");
    }

    [Fact]
    public async Task Two_managers_apply_one_object_and_a_conflict_names_the_field_and_the_other()
    {
        using var one = server.Client("manager-one");
        using var two = server.Client("manager-two");
        var name = new NamespacedName("default", Unique());

        _ = (await one.ApplyAsync(Map(name, ("a", "1")), cancellationToken: Token))
            .ShouldBeOfType<ApplyResult<V1ConfigMap>.Applied>();
        var merged = (await two.ApplyAsync(Map(name, ("b", "2")), cancellationToken: Token))
            .ShouldBeOfType<ApplyResult<V1ConfigMap>.Applied>();
        merged.Entity.Data.ShouldBe(new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" });

        var conflict = (await two.ApplyAsync(Map(name, ("a", "9")), cancellationToken: Token))
            .ShouldBeOfType<ApplyResult<V1ConfigMap>.Conflicted>();
        conflict.Conflicts.Single().Field.ShouldBe(".data.a");
        conflict.Conflicts.Single().Explanation.ShouldContain("manager-one");

        var forced = (await two.ApplyAsync(Map(name, ("a", "9")), force: true, Token)).ShouldBeOfType<ApplyResult<V1ConfigMap>.Applied>();
        forced.Entity.Data.ShouldBe(new Dictionary<string, string> { ["a"] = "9" });
    }

    [Fact]
    public async Task Spec_and_status_are_written_apart()
    {
        using var client = server.Client();
        var name = new NamespacedName("default", Unique());
        var widget = new Widget
        {
            Metadata = new V1ObjectMeta { Name = name.Name, NamespaceProperty = name.Namespace },
            Spec = new WidgetSpec { Size = 3 },
        };

        var created = await client.CreateAsync(widget, Token);
        created.Status.ShouldBeNull();
        var ready = created with { Status = new WidgetStatus { Phase = "Ready" } };
        var applied = (await client.ApplyStatusAsync(ready, cancellationToken: Token))
            .ShouldBeOfType<ApplyResult<Widget>.Applied>().Entity;
        applied.Status!.Phase.ShouldBe("Ready");
        applied.Metadata.Generation.ShouldBe(1);

        var patched = await client.PatchStatusAsync<Widget>(name, new JsonObject { ["status"] = new JsonObject { ["looks"] = 5 } }, Token);
        patched.Status.ShouldBe(new WidgetStatus { Phase = "Ready", Looks = 5 });
        var updated = await client.UpdateStatusAsync(
            patched with { Spec = patched.Spec with { Size = 99 }, Status = new WidgetStatus { Phase = "Done" } }, Token);
        (updated.Spec.Size, updated.Status!.Phase, updated.Metadata.Generation).ShouldBe((3, "Done", 1));
    }

    [Fact]
    public async Task An_invalid_object_is_refused_with_its_fields()
    {
        using var client = server.Client();
        var widget = new Widget
        {
            Metadata = new V1ObjectMeta { Name = Unique(), NamespaceProperty = "default" },
            Spec = new WidgetSpec { Size = 5000, Places = ["UPPER"] },
        };

        var refusal = await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(widget, Token));

        refusal.Reason.ShouldBe(StatusReason.Invalid);
        refusal.Causes.Select(cause => cause.Field).ShouldBe(["spec.size", "spec.places"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_user_without_rights_is_forbidden_and_one_without_a_name_unauthorized()
    {
        using var nobody = new KubernetesClient(
            ClusterAccess.FromFile(server.Plane.MintKubeconfig("nobody")),
            new KubernetesClientSettings("tests"));
        using var stranger = new KubernetesClient(
            server.Change(static configuration => (configuration.ClientCertificateData, configuration.AccessToken) = (null, "wrong")),
            new KubernetesClientSettings("tests"));

        var forbidden = await Should.ThrowAsync<KubernetesException>(() => nobody.ListAsync<V1ConfigMap>(cancellationToken: Token));
        forbidden.Reason.ShouldBe(StatusReason.Forbidden);
        forbidden.Message.ShouldContain("nobody");
        (await Should.ThrowAsync<KubernetesException>(() => stranger.ListAsync<V1ConfigMap>(cancellationToken: Token)))
            .Reason.ShouldBe(StatusReason.Unauthorized);
    }

    [Fact]
    public async Task A_server_with_a_certificate_of_someone_else_is_not_talked_to()
    {
        var other = TestCertificates.Create("other");
        using var client = new KubernetesClient(
            server.Change(configuration => configuration.SslCaCerts = [X509Certificate2.CreateFromPem(other.Certificate)]),
            new KubernetesClientSettings("tests"));

        var refusal = await Should.ThrowAsync<KubernetesException>(() => client.ListAsync<V1ConfigMap>(cancellationToken: Token));

        refusal.Reason.ShouldBe(StatusReason.Unreachable);
        refusal.Message.ShouldContain("certificate");
    }

    [Fact]
    public async Task A_name_to_expect_can_be_given_and_trust_be_waived()
    {
        var other = TestCertificates.Create("other");
        using var named = new KubernetesClient(
            server.Change(static configuration => configuration.TlsServerName = "kubernetes.default.svc"), new KubernetesClientSettings("tests"));
        using var misnamed = new KubernetesClient(
            server.Change(static configuration => configuration.TlsServerName = "example.com"), new KubernetesClientSettings("tests"));
        using var careless = new KubernetesClient(
            server.Change(configuration => (configuration.SslCaCerts, configuration.SkipTlsVerify) = ([X509Certificate2.CreateFromPem(other.Certificate)], true)),
            new KubernetesClientSettings("tests"));

        (await named.ListAsync<V1Namespace>(cancellationToken: Token)).Items.ShouldNotBeEmpty();
        (await careless.ListAsync<V1Namespace>(cancellationToken: Token)).Items.ShouldNotBeEmpty();
        (await Should.ThrowAsync<KubernetesException>(() => misnamed.ListAsync<V1Namespace>(cancellationToken: Token)))
            .Message.ShouldContain("certificate");
    }

    private static string Unique() => $"t{Guid.NewGuid():N}";

    private static V1ConfigMap Map(NamespacedName name, params (string Key, string Value)[] data) => new()
    {
        Metadata = new V1ObjectMeta { Name = name.Name, NamespaceProperty = name.Namespace },
        Data = data.ToDictionary(entry => entry.Key, entry => entry.Value),
    };
}
