using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Models;
using KubernetesClientConfiguration = k8s.KubernetesClientConfiguration;

namespace OnCache.Kubernetes.Tests.RealServer;

/// <summary>Each way to say who we are, on a real server. The account of a pod is tried by the agents and operators of the clusters.</summary>
[Collection(RealServerTests.Name)]
public sealed class AccessLiveTests(RealApiServer server) : IDisposable
{
    private const string Version = "client.authentication.k8s.io/v1";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private readonly string _folder = Directory.CreateTempSubdirectory("access-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Certificates_in_the_file_and_beside_it()
    {
        var inline = server.Configuration;
        await WriteAsync("me.crt", Text(inline.ClientCertificateData));
        await WriteAsync("me.key", Text(inline.ClientCertificateKeyData));

        (await CountAsync(inline)).ShouldBePositive();
        (await CountAsync(await WithUserAsync("client-certificate: me.crt, client-key: me.key"))).ShouldBePositive();
    }

    [Fact]
    public async Task A_token_in_the_file()
    {
        (await CountAsync(ClusterAccess.FromFile(server.Plane.TokenKubeconfig))).ShouldBePositive();
        (await RefusalAsync(await WithUserAsync("token: wrong"))).ShouldBe(StatusReason.Unauthorized);
    }

    [Fact]
    public async Task A_token_in_a_file_of_its_own_that_is_replaced()
    {
        await WriteAsync("token", "not yet valid");
        using var client = Client(await WithUserAsync("tokenFile: token"));
        (await Should.ThrowAsync<KubernetesException>(() => client.ListAsync<V1Namespace>(cancellationToken: Token)))
            .Reason.ShouldBe(StatusReason.Unauthorized);

        // The new one is read at the refusal.
        await WriteAsync("token", server.Plane.AdminToken + "\n");
        (await client.ListAsync<V1Namespace>(cancellationToken: Token)).Items.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_program_that_prints_a_token_is_asked_again_when_the_server_refuses_it()
    {
        await WriteAsync("token", "not yet valid");
        await WriteProgramAsync($$$"""printf '{"apiVersion": "{{{Version}}}", "kind": "ExecCredential", "status": {"token": "%s", "expirationTimestamp": "2020-01-01T00:00:00Z"}}' "$(cat "$1")" """);
        using var client = Client(await WithUserAsync($"exec: {{apiVersion: {Version}, command: ./give, args: ['{_folder}/token']}}"));
        (await Should.ThrowAsync<KubernetesException>(() => client.ListAsync<V1Namespace>(cancellationToken: Token)))
            .Reason.ShouldBe(StatusReason.Unauthorized);

        await WriteAsync("token", server.Plane.AdminToken);
        (await client.ListAsync<V1Namespace>(cancellationToken: Token)).Items.ShouldNotBeEmpty();

        // It is run for each request, as what it gave has ended. One that fails leaves the token in force until the server refuses it.
        await WriteProgramAsync("exit 1");
        (await client.ListAsync<V1Namespace>(cancellationToken: Token)).Items.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_program_that_prints_a_certificate()
    {
        var inline = server.Configuration;
        var status = new System.Text.Json.Nodes.JsonObject
        {
            ["apiVersion"] = Version,
            ["kind"] = "ExecCredential",
            ["status"] = new System.Text.Json.Nodes.JsonObject
            {
                ["clientCertificateData"] = Text(inline.ClientCertificateData),
                ["clientKeyData"] = Text(inline.ClientCertificateKeyData),
            },
        };
        await WriteAsync("credential", status.ToJsonString());
        await WriteProgramAsync("""cat "$1" """);

        (await CountAsync(await WithUserAsync($"exec: {{apiVersion: {Version}, command: ./give, args: ['{_folder}/credential']}}"))).ShouldBePositive();
    }

    private static string Text(string base64) => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(base64));

    private static KubernetesClient Client(KubernetesClientConfiguration configuration) => new(configuration, new KubernetesClientSettings("tests"));

    private static async Task<int> CountAsync(KubernetesClientConfiguration configuration)
    {
        using var client = Client(configuration);
        return (await client.ListAsync<V1Namespace>(cancellationToken: Token)).Items.Count;
    }

    private static async Task<StatusReason> RefusalAsync(KubernetesClientConfiguration configuration) =>
        (await Should.ThrowAsync<KubernetesException>(() => CountAsync(configuration))).Reason;

    private Task WriteAsync(string name, string content) => File.WriteAllTextAsync(Path.Combine(_folder, name), content, Token);

    private async Task WriteProgramAsync(string body)
    {
        await WriteAsync("give", $"#!/bin/sh\n{body}\n");
        File.SetUnixFileMode(Path.Combine(_folder, "give"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task<KubernetesClientConfiguration> WithUserAsync(string user)
    {
        await WriteAsync("config", $$"""
            current-context: x
            contexts: [{name: x, context: {cluster: c, user: u} }]
            clusters: [{name: c, cluster: {server: "{{server.Configuration.Host}}", certificate-authority: "{{server.Plane.AuthorityFile}}" } }]
            users: [{name: u, user: { {{user}} } }]
            """);
        return ClusterAccess.FromFile(Path.Combine(_folder, "config"));
    }
}
