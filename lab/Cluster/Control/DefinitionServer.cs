using System.Globalization;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster.Control;

/// <summary>
/// A newer apiextensions-apiserver behind the aggregation layer of the control plane's own API server: it serves definitions, and the
/// objects of the groups that are handed over to it, under the rules in CEL that the older one drops.
/// </summary>
internal sealed class DefinitionServer(
    ControlPlaneFiles files, ControlPlanePlacement placement, Func<IReadOnlyList<string>, string?, CancellationToken, Task<CommandResult>> kubectl)
{
    public const string Program = "apiextensions-apiserver";
    public const string Group = "apiextensions.k8s.io";

    /// <summary>The name in its certificate.</summary>
    public const string DnsName = $"{Service}.default.svc";

    private const string Service = "definitions";

    /// <summary>What kube-apiserver needs to know to ask other servers on behalf of its users.</summary>
    public static IReadOnlyList<string> FrontArguments(ControlPlaneFiles files) =>
    [
        .. UserHeaders(files),
        "--proxy-client-cert-file", files.Certificate(ControlPlaneFiles.FrontProxyClient),
        "--proxy-client-key-file", files.Key(ControlPlaneFiles.FrontProxyClient),

        // An endpoint may not be on loopback, where this server is; a service by an external name may.
        "--enable-aggregator-routing=false",
    ];

    public IReadOnlyList<string> Arguments =>
    [
        "--etcd-servers", ControlPlaneFiles.EtcdClients, "--etcd-prefix", "/registry-definitions",
        "--bind-address", placement.Address, "--secure-port", placement.DefinitionPort!.Value.ToString(CultureInfo.InvariantCulture),
        "--tls-cert-file", files.Certificate(ControlPlaneFiles.Server), "--tls-private-key-file", files.Key(ControlPlaneFiles.Server),
        "--client-ca-file", files.Certificate(ControlPlaneFiles.Authority),
        .. UserHeaders(files), "--authentication-skip-lookup=true",
        "--kubeconfig", Administrator, "--authentication-kubeconfig", Administrator, "--authorization-kubeconfig", Administrator,

        // These watch objects that the older server does not have, and let nothing pass until they have seen them.
        "--enable-priority-and-fairness=false", "--disable-admission-plugins", "ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
    ];

    private string Administrator => files.Kubeconfig(ControlPlaneCredentials.Admin);

    /// <summary>Takes over the definitions themselves; to be asked once, when it is ready.</summary>
    public async Task TakeOverDefinitionsAsync(CancellationToken cancellationToken)
    {
        var service = $$"""
            apiVersion: v1
            kind: Service
            metadata: { name: {{Service}}, namespace: default }
            spec: { type: ExternalName, externalName: {{placement.Address}}, ports: [ { port: {{placement.DefinitionPort}} } ] }
            """;
        (await kubectl(["apply", "--validate=false", "-f", "-"], service, cancellationToken)).EnsureSuccess();

        // The older server would answer as well, yet without the rule.
        const string Probe = """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: { name: probes.oncache-lab.test }
            spec:
              group: oncache-lab.test
              scope: Cluster
              names: { plural: probes, singular: probe, kind: Probe }
              versions:
              - name: v1
                served: true
                storage: true
                schema: { openAPIV3Schema: { type: object, x-kubernetes-validations: [ { rule: "has(self.metadata)" } ] } }
            """;
        await TakeOverAsync(Group, "v1", ["create", "--dry-run=server", "--validate=false", "-o", "yaml", "-f", "-"], Probe, "x-kubernetes-validations", cancellationToken);
    }

    /// <summary>Takes over a group; its definitions must be established.</summary>
    /// <exception cref="LabException">It is not routed here after the time limit; says what the API server knows.</exception>
    public Task TakeOverAsync(string group, string version, CancellationToken cancellationToken) =>
        TakeOverAsync(group, version, ["get", "--raw", $"/apis/{group}/{version}"], null, "APIResourceList", cancellationToken);

    private async Task TakeOverAsync(
        string group, string version, string[] question, string? input, string sign, CancellationToken cancellationToken)
    {
        var authority = Convert.ToBase64String(await File.ReadAllBytesAsync(files.Certificate(ControlPlaneFiles.Authority), cancellationToken));
        var registration = $$"""
            apiVersion: apiregistration.k8s.io/v1
            kind: APIService
            metadata: { name: {{version}}.{{group}} }
            spec:
              group: {{group}}
              version: {{version}}
              groupPriorityMinimum: 16700
              versionPriority: 15
              caBundle: {{authority}}
              service: { namespace: default, name: {{Service}}, port: {{placement.DefinitionPort}} }
            """;
        (await kubectl(["apply", "--validate=false", "-f", "-"], registration, cancellationToken)).EnsureSuccess();
        using var limit = new CancellationTokenSource(Liveness.Limit);
        CommandResult answer;
        do
        {
            if (limit.IsCancellationRequested)
            {
                throw new LabException($"{Program} does not serve {group}/{version} after {Liveness.Limit.TotalSeconds} s");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            answer = await kubectl(question, input, cancellationToken);
        }
        while (answer.ExitCode != 0 || !answer.Output.Contains(sign, StringComparison.Ordinal));
    }

    private static IReadOnlyList<string> UserHeaders(ControlPlaneFiles files) =>
    [
        "--requestheader-client-ca-file", files.Certificate(ControlPlaneFiles.FrontProxy),
        "--requestheader-allowed-names", ControlPlaneFiles.FrontProxyClient,
        "--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
        "--requestheader-extra-headers-prefix", "X-Remote-Extra-",
    ];
}
