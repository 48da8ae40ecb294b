using System.Text;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Tests.Fakes;
using KubernetesClientConfiguration = k8s.KubernetesClientConfiguration;

namespace OnCache.Kubernetes.Tests.Configuration;

public sealed class KubeconfigTests : IDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly TestCertificates Pair = TestCertificates.Create("me");

    private readonly string _folder = Directory.CreateTempSubdirectory("kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Certificates_inline(bool rsa)
    {
        var pair = TestCertificates.Create("me", rsa);
        var configuration = Load(
            $"server: https://10.0.0.1:6443, certificate-authority-data: {Base64(pair.Certificate)}",
            $"client-certificate-data: {Base64(pair.Certificate)}, client-key-data: {Base64(pair.Key)}");

        configuration.Host.ShouldBe("https://10.0.0.1:6443");
        configuration.SslCaCerts!.Count.ShouldBe(1);
        (configuration.ClientCertificateData, configuration.ClientCertificateKeyData).ShouldBe((Base64(pair.Certificate), Base64(pair.Key)));
        configuration.Namespace.ShouldBe("home");
    }

    [Fact]
    public void Certificates_in_files_beside_the_configuration()
    {
        File.WriteAllText(Path.Combine(_folder, "c.crt"), Pair.Certificate);
        File.WriteAllText(Path.Combine(_folder, "c.key"), Pair.Key);

        var configuration = Load(
            "server: https://h, certificate-authority: c.crt, tls-server-name: other", "client-certificate: c.crt, client-key: c.key");

        (configuration.ClientCertificateFilePath, configuration.ClientKeyFilePath).ShouldBe((Path.Combine(_folder, "c.crt"), Path.Combine(_folder, "c.key")));
        configuration.SslCaCerts!.Count.ShouldBe(1);
        configuration.TlsServerName.ShouldBe("other");
    }

    [Fact]
    public async Task A_token_file_wins_over_a_token_and_is_found_beside_the_configuration()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "t"), "from file\n", Token);

        (await HeaderAsync(Load("server: https://h", "token: inline"))).ShouldBe("Bearer inline");
        (await HeaderAsync(Load("server: https://h", "token: inline, tokenFile: t"))).ShouldBe("Bearer from file");
        (await HeaderAsync(Load("server: https://h", "tokenFile: t"))).ShouldBe("Bearer from file");
    }

    [Theory]
    [InlineData("server: https://h", "exec: {command: get-token}", "user \"u\": exec: apiVersion: it is missing")]
    [InlineData("server: https://h", "exec: {apiVersion: client.authentication.k8s.io/v1}", "user \"u\": exec: command: it is missing")]
    [InlineData("server: https://h", "exec: {apiVersion: client.authentication.k8s.io/v1, command: /none/there}", "user \"u\": exec: external exec failed")]
    [InlineData("server: https://h", "exec: {apiVersion: client.authentication.k8s.io/v1, command: 'true'}", "user \"u\": exec: external exec failed")]
    [InlineData("server: https://h", "exec: {apiVersion: v1, command: x, provideClusterInfo: true}", "user \"u\": exec: provideClusterInfo: not supported")]
    [InlineData("server: https://h", "as-user-extra: {reason: [test]}", "user \"u\": as: impersonation is not supported")]
    [InlineData("<<: {server: https://h}", "token: t", "<<: must be written out")]
    [InlineData("server: https://h", "as-groups: [admins]", "user \"u\": as: impersonation is not supported")]
    [InlineData("server: https://h", "client-key-data: aGk", "user \"u\": client-key-data: not base64")]
    [InlineData("server: https://h, certificate-authority-data: aGk", "token: t", "cluster \"c\": certificate-authority-data: not base64")]
    [InlineData("server: https://h, certificate-authority: gone.crt", "token: t", "cluster \"c\": certificate-authority: Could not find file")]
    [InlineData("server: https://h", "auth-provider: {name: gcp}", "user \"u\": auth-provider: not supported")]
    [InlineData("server: https://h", "username: me, password: x", "user \"u\": username: basic authentication is gone")]
    [InlineData("server: https://h", "as: other", "user \"u\": as: impersonation is not supported")]
    [InlineData("server: https://h", "client-certificate-data: '!!'", "user \"u\": client-certificate-data: not base64")]
    [InlineData("server: https://h", "client-certificate-data: aGk=", "client-certificate and client-key go together")]
    [InlineData(
        "server: https://h", "client-certificate-data: aGk=, client-key-data: aGk=", "user \"u\": client-certificate and client-key:")]
    [InlineData(
        "server: https://h", "client-certificate: gone.crt, client-key: gone.key", "user \"u\": client-certificate and client-key: Could not find file")]
    [InlineData("server: nonsense", "token: t", "cluster \"c\": server: \"nonsense\" is not an address such as")]
    [InlineData("server: ftp://h", "token: t", "cluster \"c\": server: \"ftp://h\" is not an address such as")]
    [InlineData("proxy-url: http://p, server: https://h", "token: t", "cluster \"c\": proxy-url: proxies are not supported")]
    [InlineData("server: http://h", "token: t", "cluster \"c\": server: \"http://h/\" is not encrypted")]
    [InlineData(
        "server: https://h, insecure-skip-tls-verify: true", "token: t", "cluster \"c\": insecure-skip-tls-verify: anyone could pose")]
    [InlineData(
        "server: https://h, certificate-authority-data: aGk=",
        "token: t",
        "cluster \"c\": certificate-authority: it holds no PEM certificate")]
    [InlineData("server: https://h, insecure-skip-tls-verify: perhaps", "token: t", "insecure-skip-tls-verify: must be true or false, not \"perhaps\"")]
    [InlineData("server: https://h", "exec: [x]", "No node deserializer")]
    public void What_cannot_be_used_is_refused_in_one_line(string cluster, string user, string words)
    {
        var refusal = Should.Throw<ConfigurationException>(() => Load(cluster, user));

        refusal.Message.ShouldStartWith($"{_folder}/config: ");
        refusal.Message.ShouldContain(words);
        refusal.Message.ShouldNotContain('\n');
    }

    [Theory]
    [InlineData("server: http://h")]
    [InlineData("server: https://h, insecure-skip-tls-verify: true")]
    [InlineData("server: https://h, insecure-skip-tls-verify: Yes")]
    public void Insecure_connections_can_be_allowed(string cluster) =>
        ClusterAccess.FromFile(Write(cluster, "token: t"), allowInsecure: true).ShouldNotBeNull();

    [Fact]
    public void A_context_can_be_chosen_and_a_wrong_one_is_answered_with_those_there_are()
    {
        var path = Write("server: https://h", "token: t");

        ClusterAccess.FromFile(path, "other").Namespace.ShouldBe("elsewhere");
        Should.Throw<ConfigurationException>(() => ClusterAccess.FromFile(path, "none")).Message
            .ShouldBe($"{path}: no context \"none\"; there are: x, other, astray, lost");
        Should.Throw<ConfigurationException>(() => ClusterAccess.FromFile(path, "astray")).Message
            .ShouldEndWith("no cluster \"gone\"");
        Should.Throw<ConfigurationException>(() => ClusterAccess.FromFile(path, "lost")).Message
            .ShouldEndWith("no user \"gone\"");
    }

    [Fact]
    public async Task Paths_are_relative_to_the_file_that_has_them()
    {
        var first = Path.Combine(_folder, "first");
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "second")).FullName;
        await File.WriteAllTextAsync(first, "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nusers: [{name: v, user: {tokenFile: t}}]", Token);
        await File.WriteAllTextAsync(Path.Combine(folder, "t"), "second", Token);
        await File.WriteAllTextAsync(Path.Combine(folder, "ca"), Pair.Certificate, Token);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "config"),
            "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: ca}}]\nusers: [{name: u, user: {tokenFile: t}}]",
            Token);

        var configuration = ClusterAccess.FromFiles([first, Path.Combine(folder, "config")]);

        configuration.SslCaCerts!.Count.ShouldBe(1);
        (await HeaderAsync(configuration)).ShouldBe("Bearer second");
    }

    [Fact]
    public void What_is_nothing_is_as_if_it_were_not_there_and_what_others_do_is_no_matter()
    {
        var path = Path.Combine(_folder, "config");
        File.WriteAllText(path, """
            current-context: x
            contexts: [{name: x, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {server: "https://h", insecure-skip-tls-verify: , tls-server-name: null} }]
            users: [{name: other, user: {as: me, as-user-extra: {reason: [test]}, as-groups: []}}, {name: u, user: {token: t, as-groups: []}}]
            """);

        var configuration = ClusterAccess.FromFile(path);

        (configuration.SkipTlsVerify, configuration.TlsServerName, configuration.AccessToken).ShouldBe((false, null, "t"));
    }

    [Fact]
    public async Task Users_may_share_a_program()
    {
        var path = Path.Combine(_folder, "config");
        await WriteProgramAsync("give");
        await File.WriteAllTextAsync(path, """
            current-context: x
            contexts: [{name: x, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {server: "https://h"} }]
            users:
            - {name: other, user: {exec: &e {apiVersion: client.authentication.k8s.io/v1, command: ./give, args: [first, two words], env: [{name: SALT, value: s}]}}}
            - {name: u, user: {exec: *e}}
            """, Token);

        (await HeaderAsync(ClusterAccess.FromFile(path))).ShouldBe($"Bearer {Base64("first|two words|s|ExecCredential")}");
    }

    [Fact]
    public void All_authorities_of_a_bundle_are_trusted()
    {
        File.WriteAllText(Path.Combine(_folder, "ca"), Pair.Certificate + "\n" + TestCertificates.Create("next").Certificate);

        Load("server: https://h, certificate-authority: ca", "token: t").SslCaCerts!.Count.ShouldBe(2);
    }

    [Fact]
    public void Certificate_and_key_may_be_of_both_kinds_and_data_wins()
    {
        File.WriteAllText(Path.Combine(_folder, "c.key"), Pair.Key);

        File.WriteAllText(Path.Combine(_folder, "c.crt"), Pair.Certificate);

        var file = Load("server: https://h", $"client-certificate-data: {Base64(Pair.Certificate)}, client-key: c.key");
        var data = Load("server: https://h", $"client-certificate: c.crt, client-key-data: {Base64(Pair.Key)}");
        var both = Load("server: https://h", $"client-certificate-data: {Base64(Pair.Certificate)}, client-certificate: gone, client-key: c.key");

        (file.ClientCertificateFilePath, file.ClientKeyFilePath).ShouldBe((null, Path.Combine(_folder, "c.key")));
        (data.ClientCertificateFilePath, data.ClientKeyFilePath).ShouldBe((Path.Combine(_folder, "c.crt"), null));
        both.ClientCertificateFilePath.ShouldBeNull();
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("two words")]
    [InlineData("")]
    [InlineData("""a "quoted" \\"one\""")]
    [InlineData("""C:\\path\\""")]
    public async Task A_program_that_gives_credentials_gets_its_arguments_as_they_are(string argument)
    {
        await WriteProgramAsync("give token");

        var configuration = Load(
            "server: https://h",
            $"exec: {{apiVersion: client.authentication.k8s.io/v1, command: './give token', args: [first, '{argument}'], env: [{{name: SALT, value: s}}]}}");

        (await HeaderAsync(configuration)).ShouldBe($"Bearer {Base64($"first|{argument}|s|ExecCredential")}");
    }

    // Says in its token what it was given.
    private async Task WriteProgramAsync(string name)
    {
        var program = Path.Combine(_folder, name);
        await File.WriteAllTextAsync(program, """
            #!/bin/sh
            case $KUBERNETES_EXEC_INFO in *'"kind": "ExecCredential"'*'"interactive": false'*) kind=ExecCredential ;; esac
            printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}' \
              "$(printf '%s|%s|%s|%s' "$1" "$2" "$SALT" "$kind" | base64 -w0)"
            """, Token);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    [Fact]
    public void Of_several_files_the_first_to_name_something_wins()
    {
        var first = Path.Combine(_folder, "first");
        var second = Write("server: https://second", "token: t");
        File.WriteAllText(first, "clusters: [{name: c, cluster: {server: 'https://first'}}]");

        ClusterAccess.FromFiles([Path.Combine(_folder, "none"), first, second]).Host.ShouldBe("https://first");
    }

    [Fact]
    public void An_entry_without_content_is_none_and_an_entry_without_a_name_is_nobodys()
    {
        var path = Path.Combine(_folder, "config");
        File.WriteAllText(path, "current-context: x\ncontexts: [{name: x}, {name: y, context: {namespace: NULL}}]\nclusters: [{cluster: {server: 'https://h'}}]");

        Should.Throw<ConfigurationException>(() => ClusterAccess.FromFile(path)).Message.ShouldBe($"{path}: no context \"x\"; there are: y");
        Should.Throw<ConfigurationException>(() => ClusterAccess.FromFile(path, "y")).Message.ShouldEndWith("no cluster \"\"");
    }

    [Fact]
    public void A_file_may_be_JSON()
    {
        var path = Path.Combine(_folder, "config");
        File.WriteAllText(path, """
            { "current-context": "x", "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u", "namespace": null } }],
              "clusters": [{ "name": "c", "cluster": { "server": "http://json", "insecure-skip-tls-verify": True } }], "users": [{ "name": "u", "user": { "token": "t" } }] }
            """);

        var configuration = ClusterAccess.FromFile(path, allowInsecure: true);

        configuration.Host.ShouldBe("http://json");
        configuration.SkipTlsVerify.ShouldBeTrue();
    }

    [Theory]
    [InlineData("clusters: {}", "line 1: clusters: must be a list")]
    [InlineData("clusters:\n- name: c\n  cluster: here", "line 3: cluster: must be a map")]
    [InlineData("users:\n- u", "line 2: users: must be a map")]
    [InlineData("current-context: [x]", "line 1: current-context: must be a text")]
    [InlineData("users:\n- name: u\n  user: {token: [x]}", "line 3: token: must be a text")]
    [InlineData("- x", "line 1: the file: must be a map")]
    [InlineData("current-context: x\ncurrent-context: y", "line 2: Duplicate key current-context")]
    public void A_field_of_another_kind_is_named_with_its_line(string content, string words)
    {
        var path = Path.Combine(_folder, "config");
        File.WriteAllText(path, content);

        Should.Throw<ConfigurationException>(() => Kubeconfig.Load([path])).Message.ShouldBe($"{path}: {words}");
    }

    [Fact]
    public void Files_that_are_no_configuration_are_named()
    {
        var path = Path.Combine(_folder, "config");
        Should.Throw<ConfigurationException>(() => Kubeconfig.Load([path])).Message.ShouldContain("Could not find file");
        Should.Throw<ConfigurationException>(() => Kubeconfig.Load([path, path])).Message.ShouldStartWith("none of these files exists");
        File.WriteAllText(path, string.Empty);
        Should.Throw<ConfigurationException>(() => Kubeconfig.Load([path])).Message.ShouldBe($"{path}: the file is empty");
        File.WriteAllText(path, "clusters: [");
        Should.Throw<ConfigurationException>(() => Kubeconfig.Load([path])).Message.ShouldStartWith($"{path}: line ");
        File.WriteAllText(path, "kind: Config");
        Should.Throw<ConfigurationException>(() => ClusterAccess.FromFile(path)).Message
            .ShouldBe($"{path}: current-context is not set and no context was named");
    }

    // What the library would send.
    private static async Task<string> HeaderAsync(KubernetesClientConfiguration configuration)
    {
        using var request = new HttpRequestMessage();
        await k8s.Kubernetes.CreateCredentials(configuration).ProcessHttpRequestAsync(request, Token);
        return request.Headers.Authorization!.ToString();
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private string Write(string cluster, string user)
    {
        var path = Path.Combine(_folder, "config");
        File.WriteAllText(path, $$$"""
            apiVersion: v1
            kind: Config
            preferences: {colors: true}
            current-context: x
            contexts:
            - {name: x, context: {cluster: c, user: u, namespace: home}}
            - {name: other, context: {cluster: c, user: u, namespace: elsewhere}}
            - {name: astray, context: {cluster: gone, user: u}}
            - {name: lost, context: {cluster: c, user: gone}}
            clusters:
            - {name: c, cluster: { {{{cluster}}} }}
            users:
            - {name: u, user: { {{{user}}} }}
            """);
        return path;
    }

    private KubernetesClientConfiguration Load(string cluster, string user) =>
        ClusterAccess.FromFile(Write(cluster, user));
}
