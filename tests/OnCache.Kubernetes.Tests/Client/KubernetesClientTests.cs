using System.Text.Json.Nodes;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Client;

public sealed class KubernetesClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly NamespacedName Name = new("default", "a");

    [Fact]
    public async Task An_object_that_is_not_there_is_null()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Status(404, "NotFound", "configmaps \"a\" not found"));
        using var client = server.Client();

        (await client.GetAsync<V1ConfigMap>(Name, Token)).ShouldBeNull();
        server.Requests.Single().Path.ShouldBe("/api/v1/namespaces/default/configmaps/a");
    }

    [Theory]
    [InlineData(400, "BadRequest", StatusReason.BadRequest)]
    [InlineData(401, "Unauthorized", StatusReason.Unauthorized)]
    [InlineData(403, "Forbidden", StatusReason.Forbidden)]
    [InlineData(409, "AlreadyExists", StatusReason.AlreadyExists)]
    [InlineData(409, "Conflict", StatusReason.Conflict)]
    [InlineData(410, "Gone", StatusReason.Gone)]
    [InlineData(410, "Expired", StatusReason.Expired)]
    [InlineData(422, "Invalid", StatusReason.Invalid)]
    [InlineData(429, "TooManyRequests", StatusReason.TooManyRequests)]
    [InlineData(500, "InternalError", StatusReason.InternalError)]
    [InlineData(503, "ServiceUnavailable", StatusReason.ServiceUnavailable)]
    [InlineData(504, "Timeout", StatusReason.Timeout)]
    [InlineData(504, "ServerTimeout", StatusReason.Timeout)]
    [InlineData(418, "Teapot", StatusReason.Unknown)]
    public async Task A_failure_has_the_reason_the_server_gave(int code, string reason, StatusReason expected)
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Status(code, reason, "because");
        using var client = server.Client(settings => settings with { Retries = 0 });

        var failure = await Should.ThrowAsync<KubernetesException>(() => client.UpdateAsync(Samples.Map("a"), Token));

        failure.Reason.ShouldBe(expected);
        failure.Message.ShouldBe($"PUT /api/v1/namespaces/default/configmaps/a: {code} because");
    }

    [Theory]
    [InlineData(403, StatusReason.Forbidden)]
    [InlineData(502, StatusReason.ServiceUnavailable)]
    [InlineData(410, StatusReason.Gone)]
    public async Task A_failure_of_a_proxy_is_told_by_its_code_and_words(int code, StatusReason expected)
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Otherwise = Answer.Text(code, "<html>\nno</html>");
        using var client = server.Client(settings => settings with { Retries = 0 });

        var failure = await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<V1ConfigMap>(Name, Token));

        failure.Reason.ShouldBe(expected);
        failure.Message.ShouldEndWith($"{code} <html> no</html>");
    }

    [Fact]
    public async Task An_invalid_object_names_its_fields()
    {
        var cause = new k8s.Models.V1StatusCause { Reason = "FieldValueInvalid", Field = "spec.size", Message = "must be positive" };
        await using var server = await FakeApiServer.StartAsync(Answer.Status(422, "Invalid", "bad", cause));
        using var client = server.Client();

        var failure = await Should.ThrowAsync<KubernetesException>(() => client.CreateAsync(Samples.Map("a"), Token));

        failure.Causes.ShouldBe([cause]);
    }

    [Fact]
    public async Task A_list_is_read_page_by_page()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.Page("7", "next page", Samples.Map("a")),
            Answer.Page("7", null, Samples.Map("b")));
        using var client = server.Client();

        var list = await client.ListAsync<V1ConfigMap>(
            new ListQuery { Namespace = "x", LabelSelector = "a=b,c!=d", FieldSelector = "metadata.name=a", PageSize = 1 },
            Token);

        list.ResourceVersion.ShouldBe("7");
        list.Items.Select(item => item.Metadata.Name).ShouldBe(["a", "b"]);
        server.Requests[0].Path.ShouldBe("/api/v1/namespaces/x/configmaps");
        server.Requests[0].Query["labelSelector"].ShouldBe("a=b,c!=d");
        server.Requests[0].Query["fieldSelector"].ShouldBe("metadata.name=a");
        server.Requests[0].Query["limit"].ShouldBe("1");
        server.Requests[1].Query["continue"].ShouldBe("next page");
    }

    [Fact]
    public async Task A_list_torn_between_pages_is_read_at_once()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.Page("7", "next", Samples.Map("a")),
            Answer.Status(410, "Expired", "continue token too old"),
            Answer.Page("9", null, Samples.Map("a"), Samples.Map("b")));
        using var client = server.Client();

        var list = await client.ListAsync<V1ConfigMap>(cancellationToken: Token);

        list.Items.Select(item => item.Metadata.Name).ShouldBe(["a", "b"]);
        server.Requests[2].Query.ContainsKey("limit").ShouldBeFalse();
    }

    [Fact]
    public async Task A_list_of_null_is_empty()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Text(200, """{"metadata":{"resourceVersion":"3"},"items":null}"""));
        using var client = server.Client();

        (await client.ListAsync<V1ConfigMap>(cancellationToken: Token)).Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task Apply_sends_own_fields_under_the_field_manager()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Json(Samples.Map("a")));
        using var client = server.Client();
        var widget = new Widget
        {
            Metadata = Samples.Map("a").Metadata with
            {
                Uid = null,
                ResourceVersion = null,
                Generation = 3,
                CreationTimestamp = DateTimeOffset.UnixEpoch,
            },
            Spec = new WidgetSpec { Size = 2 },
            Status = new WidgetStatus { Phase = "Ready" },
        };

        _ = await client.ApplyAsync(widget, force: true, Token);

        var request = server.Requests.Single();
        request.Method.ShouldBe("PATCH");
        request.ContentType.ShouldBe("application/apply-patch+yaml");
        request.Query["fieldManager"].ShouldBe("tests");
        request.Query["force"].ShouldBe("true");
        request.Body.ShouldBe(
            """{"spec":{"size":2,"color":"Red","life":"1m30s","parts":[],"places":["here"],"coat":{"thickness":0.5,"shiny":false}}"""
            + ""","metadata":{"name":"a","namespace":"default"},"apiVersion":"tests.example.com/v1","kind":"Widget"}""");
    }

    [Fact]
    public async Task Applying_a_status_sends_nothing_else()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Json(Samples.Map("a")));
        using var client = server.Client();
        var widget = new Widget
        {
            Metadata = new V1ObjectMeta { Name = "a", NamespaceProperty = "default", Uid = "u", ResourceVersion = "4" },
            Status = new WidgetStatus { Phase = "Ready" },
        };

        _ = await client.ApplyStatusAsync(widget, cancellationToken: Token);

        var request = server.Requests.Single();
        request.Path.ShouldBe("/apis/tests.example.com/v1/namespaces/default/widgets/a/status");
        request.Body.ShouldBe(
            """{"apiVersion":"tests.example.com/v1","kind":"Widget","metadata":{"name":"a","namespace":"default"}"""
            + ""","status":{"phase":"Ready","looks":0}}""");
    }

    [Fact]
    public async Task Fields_of_other_managers_are_a_result_not_an_exception()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Status(
            409,
            "Conflict",
            "Apply failed",
            new k8s.Models.V1StatusCause { Reason = "FieldManagerConflict", Field = ".data.x", Message = "conflict with \"kubectl\" using v1" }));
        using var client = server.Client();

        var result = await client.ApplyAsync(Samples.Map("a"), cancellationToken: Token);

        result.ShouldBeOfType<ApplyResult<V1ConfigMap>.Conflicted>().Conflicts
            .ShouldBe([new FieldConflict(".data.x", "conflict with \"kubectl\" using v1")]);
    }

    [Fact]
    public async Task A_version_conflict_of_an_apply_is_an_exception()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Status(409, "Conflict", "the object has been modified"));
        using var client = server.Client();

        (await Should.ThrowAsync<KubernetesException>(() => client.ApplyAsync(Samples.Map("a"), cancellationToken: Token)))
            .Reason.ShouldBe(StatusReason.Conflict);
    }

    [Fact]
    public async Task A_merge_patch_is_sent_as_given()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Json(Samples.Map("a")), Answer.Json(Samples.Map("a")));
        using var client = server.Client();

        _ = await client.PatchAsync<V1ConfigMap>(Name, new JsonObject { ["data"] = new JsonObject { ["x"] = null } }, Token);
        _ = await client.PatchStatusAsync<V1ConfigMap>(Name, new JsonObject { ["status"] = new JsonObject() }, Token);

        server.Requests[0].ContentType.ShouldBe("application/merge-patch+json");
        server.Requests[0].Body.ShouldBe("""{"data":{"x":null}}""");
        server.Requests[1].Path.ShouldEndWith("/configmaps/a/status");
    }

    [Fact]
    public async Task A_deletion_carries_its_conditions()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Json(new { kind = "Status" }), Answer.Status(404, "NotFound", "no"));
        using var client = server.Client();
        var options = new DeleteOptions
        {
            Uid = "u",
            ResourceVersion = "5",
            Propagation = PropagationPolicy.Foreground,
            GracePeriodSeconds = 0,
        };

        (await client.DeleteAsync<V1ConfigMap>(Name, options, Token)).ShouldBeTrue();
        (await client.DeleteAsync<V1ConfigMap>(Name, cancellationToken: Token)).ShouldBeFalse();

        server.Requests[0].Body.ShouldBe(
            """{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u","resourceVersion":"5"}"""
            + ""","propagationPolicy":"Foreground","gracePeriodSeconds":0}""");
    }

    [Fact]
    public async Task A_namespace_for_a_cluster_scoped_kind_is_a_mistake()
    {
        await using var server = await FakeApiServer.StartAsync();
        using var client = server.Client();

        _ = await Should.ThrowAsync<ArgumentException>(() => client.GetAsync<V1Node>(Name, Token));
        _ = await Should.ThrowAsync<ArgumentException>(
            () => client.GetAsync<V1Pod>(NamespacedName.ClusterScoped("a"), Token));
        server.Requests.ShouldBeEmpty();
    }
}
