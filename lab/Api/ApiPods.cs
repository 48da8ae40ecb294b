using System.Text.Json.Nodes;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Api;

/// <summary>Pods of the lab and their objects, in the order of a kubelet and a CNI. Steps are separate where something may happen between them.</summary>
public sealed class ApiPods(IKubernetesClient client)
{
    /// <summary>The object, then the sandbox with its address, which is the lowest free one of the node; nobody has been told the address yet.</summary>
    public async Task<ApiPod> PrepareAsync(
        LabNode node, NamespacedName name, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(node);
        var uid = await CreateObjectAsync(node, name, labels, cancellationToken);
        return new ApiPod(name, uid, await node.AddPodAsync(cancellationToken));
    }

    /// <summary>A further object for a sandbox that is there: to the API another pod, which takes the address over.</summary>
    public async Task<ApiPod> PrepareSuccessorAsync(
        LabPod sandbox, NamespacedName name, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sandbox);
        return new ApiPod(name, await CreateObjectAsync(sandbox.Node, name, labels, cancellationToken), sandbox);
    }

    /// <summary>The status says that it runs, and where.</summary>
    public Task AnnounceAsync(ApiPod pod, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pod);
        var address = pod.Sandbox.Address.ToString();
        return PatchStatusAsync(
            pod,
            new JsonObject
            {
                ["phase"] = "Running",
                ["hostIP"] = pod.Node.Address.ToString(),
                ["podIP"] = address,
                ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }),
            },
            cancellationToken);
    }

    public async Task<ApiPod> CreateAsync(
        LabNode node, NamespacedName name, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken = default)
    {
        var pod = await PrepareAsync(node, name, labels, cancellationToken);
        await AnnounceAsync(pod, cancellationToken);
        return pod;
    }

    /// <summary>Changes labels; null takes one away.</summary>
    public Task LabelAsync(ApiPod pod, IReadOnlyDictionary<string, string?> labels, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return client.PatchAsync<V1Pod>(pod.Name, LabelPatch(labels), cancellationToken);
    }

    /// <summary>The object says that it is to go (<c>deletionTimestamp</c>); it still runs.</summary>
    public Task BeginDeleteAsync(ApiPod pod, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return client.DeleteAsync<V1Pod>(pod.Name, new DeleteOptions { Uid = pod.Uid, GracePeriodSeconds = 30 }, cancellationToken);
    }

    /// <summary>The sandbox goes; its address is free.</summary>
    public static Task EndSandboxAsync(ApiPod pod, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return pod.Node.DeletePodAsync(pod.Sandbox, cancellationToken);
    }

    /// <summary>The object goes.</summary>
    public Task ForgetAsync(ApiPod pod, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pod);
        return client.DeleteAsync<V1Pod>(pod.Name, new DeleteOptions { Uid = pod.Uid, GracePeriodSeconds = 0 }, cancellationToken);
    }

    public async Task DeleteAsync(ApiPod pod, CancellationToken cancellationToken = default)
    {
        await BeginDeleteAsync(pod, cancellationToken);
        await EndSandboxAsync(pod, cancellationToken);
        await ForgetAsync(pod, cancellationToken);
    }

    /// <summary>It succeeded: the sandbox goes and the object stays, with the address that another pod may get now.</summary>
    public async Task CompleteAsync(ApiPod pod, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pod);
        await PatchStatusAsync(pod, new JsonObject { ["phase"] = "Succeeded" }, cancellationToken);
        await EndSandboxAsync(pod, cancellationToken);
    }

    internal static JsonObject LabelPatch(IReadOnlyDictionary<string, string?> labels)
    {
        var patch = new JsonObject();
        foreach (var (key, value) in labels)
        {
            patch[key] = value;
        }

        return new JsonObject { ["metadata"] = new JsonObject { ["labels"] = patch } };
    }

    private async Task<string> CreateObjectAsync(
        LabNode node, NamespacedName name, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken)
    {
        var created = await client.CreateAsync(
            new PodManifest
            {
                Metadata = new V1ObjectMeta { NamespaceProperty = name.Namespace, Name = name.Name, Labels = labels },
                Spec = new PodManifestSpec(node.Name, [new PodManifestContainer("main", "none")]),
            },
            cancellationToken);
        return created.Metadata.Uid!;
    }

    private Task<V1Pod> PatchStatusAsync(ApiPod pod, JsonObject status, CancellationToken cancellationToken) =>
        client.PatchStatusAsync<V1Pod>(pod.Name, new JsonObject { ["status"] = status }, cancellationToken);
}
