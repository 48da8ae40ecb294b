using System.Text.Json.Nodes;
using OnCache.Lab.Cluster;
using OnCache.Lab.Cluster.Components;
using OnCache.Lab.Cluster.Control;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Tests.Cluster;

[Collection(KubernetesTurn.Name)]
public sealed class ControlPlaneTests
{
    private const string ConfigMap = """
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: kept, namespace: default }
        data: { answer: "42" }
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_control_plane_serves_its_users_survives_restarts_and_leaves_nothing_behind()
    {
        await LiveCluster.RequireAsync(ComponentSet.Api);
        string name;
        await using (var controlPlane = await ControlPlane.StartAsync(new ControlPlaneOptions(), Cancellation))
        {
            name = controlPlane.Name;
            new Daemons(new ClusterNames(name)).ListRunning().ShouldBe(["etcd", "kube-apiserver"]);
            await ServesAsync(controlPlane);
            await KnowsUsersAsync(controlPlane);

            await controlPlane.RestartApiServerAsync(Cancellation);
            await HoldsAsync(controlPlane);

            await controlPlane.KillApiServerAsync(Cancellation);
            (await controlPlane.KubectlAsync(["get", "--raw", "/readyz"], cancellationToken: Cancellation)).ExitCode.ShouldNotBe(0);
            await controlPlane.StartApiServerAsync(Cancellation);
            await HoldsAsync(controlPlane);
        }

        Leftovers.ShouldBeNone(name);
    }

    [Fact]
    public async Task Two_control_planes_at_once_do_not_meet_and_that_of_a_dead_process_is_cleaned_away()
    {
        await LiveCluster.RequireAsync(ComponentSet.Api);
        var options = new ControlPlaneOptions { Detached = true };
        await using (await ControlPlane.StartAsync(options, Cancellation))
        {
        }

        try
        {
            var names = new ClusterNames(options.Name);
            new Daemons(names).ListRunning().Count.ShouldBe(2);
            (await Should.ThrowAsync<LabException>(() => ControlPlane.StartAsync(options, Cancellation)))
                .Message.ShouldBe($"cluster '{options.Name}' exists already: take it down with 'oncache-lab cluster down --name {options.Name}'");

            // This pid lives, but with another start time: the owner was a process that had the pid before.
            (ClusterState.Read(options.Name)! with { Owner = ProcessIdentity.Current with { StartTicks = 1 } }).Save();
            await using var next = await ControlPlane.StartAsync(new ControlPlaneOptions(), Cancellation);
            Leftovers.ShouldBeNone(options.Name);
            await ServesAsync(next);
        }
        finally
        {
            await ClusterTeardown.DownAsync(options.Name, CancellationToken.None);
        }
    }

    [Fact]
    public async Task Controllers_give_a_namespace_its_service_account()
    {
        await LiveCluster.RequireAsync(ComponentSet.All);
        await using var controlPlane = await ControlPlane.StartAsync(new ControlPlaneOptions { Controllers = true }, Cancellation);

        (await controlPlane.KubectlAsync(["create", "namespace", "work"], cancellationToken: Cancellation)).EnsureSuccess();

        await Eventually.HoldsAsync(async () =>
            (await controlPlane.KubectlAsync(["get", "serviceaccount", "default", "-n", "work"], cancellationToken: Cancellation)).ExitCode == 0);
    }

    [Fact]
    public async Task A_newer_server_serves_definitions_with_rules_in_cel_when_asked_for()
    {
        await LiveCluster.RequireAsync(ComponentSet.Cel);
        await using var controlPlane = await ControlPlane.StartAsync(new ControlPlaneOptions { Cel = true }, Cancellation);
        const string Definition = """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: { name: things.tests.oncache.test }
            spec:
              group: tests.oncache.test
              scope: Cluster
              names: { plural: things, singular: thing, kind: Thing }
              versions:
              - name: v1
                served: true
                storage: true
                schema:
                  openAPIV3Schema:
                    type: object
                    properties: { size: { type: integer, x-kubernetes-validations: [ { rule: "self % 2 == 0", message: odd } ] } }
            """;
        (await controlPlane.KubectlAsync(["apply", "--validate=false", "-f", "-"], Definition, Cancellation)).EnsureSuccess();
        await controlPlane.WaitForDefinitionAsync("things.tests.oncache.test", Cancellation);
        await controlPlane.ServeWithCelAsync("tests.oncache.test", "v1", Cancellation);

        (await CreateAsync(2)).EnsureSuccess();
        var refused = await CreateAsync(3);
        refused.ExitCode.ShouldNotBe(0);
        refused.Error.ShouldContain("odd");

        Task<CommandResult> CreateAsync(int size) => controlPlane.KubectlAsync(
            ["create", "--validate=false", "-f", "-"],
            $$"""{"apiVersion":"tests.oncache.test/v1","kind":"Thing","metadata":{"name":"thing-{{size}}"},"size":{{size}}}""",
            Cancellation);
    }

    [Fact]
    public async Task A_flag_the_server_does_not_know_is_named_and_nothing_is_left()
    {
        await LiveCluster.RequireAsync(ComponentSet.Api);
        var options = new ControlPlaneOptions { ApiServerArguments = ["--no-such-flag=1"] };

        var failure = await Should.ThrowAsync<LabException>(() => ControlPlane.StartAsync(options, Cancellation));

        failure.Message.ShouldStartWith("kube-apiserver ended: ");
        failure.Message.ShouldContain("unknown flag: --no-such-flag");
        Leftovers.ShouldBeNone(options.Name);
    }

    private static async Task ServesAsync(ControlPlane controlPlane)
    {
        (await controlPlane.KubectlAsync(["apply", "-f", "-"], ConfigMap, Cancellation)).EnsureSuccess();
        await HoldsAsync(controlPlane);
    }

    private static async Task HoldsAsync(ControlPlane controlPlane)
    {
        var read = await controlPlane.KubectlAsync(["get", "configmap", "kept", "-o", "json"], cancellationToken: Cancellation);
        JsonNode.Parse(read.EnsureSuccess().Output)!["data"]!["answer"]!.GetValue<string>().ShouldBe("42");
    }

    private static async Task KnowsUsersAsync(ControlPlane controlPlane)
    {
        var viewer = controlPlane.MintKubeconfig("system:serviceaccount:a:b", "viewers");
        const string Binding = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: { name: look }
            rules: [{ apiGroups: [""], resources: [configmaps], verbs: [get] }]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: { name: viewers }
            roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: look }
            subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: viewers }]
            """;
        (await controlPlane.KubectlAsync(["apply", "-f", "-"], Binding, Cancellation)).EnsureSuccess();

        await Eventually.HoldsAsync(async () => (await AsAsync(viewer, "get", "configmap", "kept")).ExitCode == 0);
        var refused = await AsAsync(viewer, "delete", "configmap", "kept");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("User \"system:serviceaccount:a:b\" cannot delete resource");
        (await AsAsync(controlPlane.TokenKubeconfig, "get", "configmap", "kept")).EnsureSuccess();
        (await AsAsync(controlPlane.AdminKubeconfig, "auth", "can-i", "*", "*")).EnsureSuccess();

        // The later of two flags wins in kubectl.
        Task<CommandResult> AsAsync(string kubeconfig, params string[] arguments) =>
            controlPlane.KubectlAsync([.. arguments, "--kubeconfig", kubeconfig], cancellationToken: Cancellation);
    }
}
