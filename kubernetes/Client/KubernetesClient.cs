using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Serialization;
using KubernetesClientConfiguration = k8s.KubernetesClientConfiguration;
using V1APIGroupList = k8s.Models.V1APIGroupList;
using V1APIResourceList = k8s.Models.V1APIResourceList;

namespace OnCache.Kubernetes.Client;

/// <summary>The client over HTTP.</summary>
public sealed class KubernetesClient : IKubernetesClient, IApiDiscovery, IDisposable
{
    private const string MergePatch = "application/merge-patch+json";
    private const string MetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    private const string Metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

    // JSON is YAML; the API server names the media type of an apply by the latter.
    private const string ApplyPatch = "application/apply-patch+yaml";

    private readonly ApiConnection _connection;
    private readonly string _fieldManager;

    /// <summary>A client of the configured server. Nothing is sent yet.</summary>
    /// <param name="configuration">Where and who; for this client alone, which sets its own ways of connecting in it.</param>
    /// <param name="settings">How.</param>
    /// <param name="time">Waits and limits.</param>
    /// <param name="random">Spreads waits.</param>
    public KubernetesClient(
        KubernetesClientConfiguration configuration,
        KubernetesClientSettings settings,
        TimeProvider? time = null,
        Random? random = null)
    {
        _fieldManager = settings.FieldManager;
        _connection = new ApiConnection(configuration, settings, time ?? TimeProvider.System, random ?? Random.Shared);
    }

    /// <inheritdoc/>
    public async Task<T?> GetAsync<T>(NamespacedName name, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            var path = EntityType.Of<T>().Path(name.Namespace, name.Name);
            return await _connection.SendAsync(HttpMethod.Get, path, new(), ReadAsync<T>, cancellationToken: cancellationToken);
        }
        catch (KubernetesException exception) when (exception.Reason == StatusReason.NotFound)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<ResourceList<T>> ListAsync<T>(ListQuery? query = null, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        query ??= new ListQuery();
        try
        {
            return await ListPagesAsync<T>(query, query.PageSize, cancellationToken);
        }
        catch (KubernetesException exception) when (exception.IsExpired && query.ResourceVersion is null)
        {
            // The store was compacted between two pages. All at once cannot be torn.
            return await ListPagesAsync<T>(query, pageSize: null, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        WatchQuery query,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var parameters = new QueryString()
            .Add("watch", "true")
            .Add("allowWatchBookmarks", "true")
            .AddSelection(query.Selection)
            .Add("resourceVersion", query.ResourceVersion)
            .Add("timeoutSeconds", (int)Math.Ceiling(query.Duration.TotalSeconds));
        var path = TypeOf<T>(query.Selection).Path(query.Selection.Namespace);
        using var response = await _connection.OpenAsync(path, parameters, query.Selection.MetadataOf is null ? null : Metadata, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var line in WatchLines.ReadAsync(body, path, cancellationToken))
        {
            yield return WatchLines.Parse<T>(line, path);
        }
    }

    /// <inheritdoc/>
    public async Task<T> CreateAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var path = EntityType.Of<T>().Path(entity.Metadata.NamespaceProperty);
        var body = Bytes(KubernetesJson.ToNode(entity));
        return await _connection.SendAsync(
            HttpMethod.Post,
            path,
            Manager(),
            ReadAsync<T>,
            body,
            repeatable: Repeatable.WhenRefused,
            cancellationToken: cancellationToken);
    }

    /// <inheritdoc/>
    public Task<T> UpdateAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => PutAsync(entity, subresource: null, cancellationToken);

    /// <inheritdoc/>
    public Task<T> UpdateStatusAsync<T>(T entity, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> => PutAsync(entity, "status", cancellationToken);

    /// <inheritdoc/>
    public Task<T> PatchAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        PatchAsync<T>(name, subresource: null, Bytes(patch), MergePatch, Manager(), cancellationToken);

    /// <inheritdoc/>
    public Task<T> PatchStatusAsync<T>(NamespacedName name, JsonObject patch, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        PatchAsync<T>(name, "status", Bytes(patch), MergePatch, Manager(), cancellationToken);

    /// <inheritdoc/>
    public Task<ApplyResult<T>> ApplyAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        ApplyAsync<T>(NamespacedName.Of(entity), subresource: null, ApplyDocument.ForObject(entity), force, cancellationToken);

    /// <inheritdoc/>
    public Task<ApplyResult<T>> ApplyStatusAsync<T>(T entity, bool force = false, CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        ApplyAsync<T>(NamespacedName.Of(entity), "status", ApplyDocument.ForStatus(entity), force, cancellationToken);

    /// <inheritdoc/>
    public async Task<bool> DeleteAsync<T>(
        NamespacedName name,
        DeleteOptions? options = null,
        CancellationToken cancellationToken = default)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            var path = EntityType.Of<T>().Path(name.Namespace, name.Name);
            var body = Bytes((options ?? new DeleteOptions()).ToNode());
            return await _connection.SendAsync(
                HttpMethod.Delete, path, new(), static (_, _) => ValueTask.FromResult(true), body, cancellationToken: cancellationToken);
        }
        catch (KubernetesException exception) when (exception.Reason == StatusReason.NotFound)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<EntityType>> FindKindsAsync(IReadOnlyCollection<string> groups, CancellationToken cancellationToken = default)
    {
        var present = await _connection.SendAsync(HttpMethod.Get, "apis", new(), ReadAsync<V1APIGroupList>, cancellationToken: cancellationToken);
        var kinds = new List<EntityType>();
        foreach (var group in (present.Groups ?? []).Where(group => groups.Contains(group.Name, StringComparer.Ordinal)))
        {
            if (group.PreferredVersion is not { Version: var version })
            {
                continue;
            }

            var resources = await _connection.SendAsync(
                HttpMethod.Get, $"apis/{group.Name}/{version}", new(), ReadAsync<V1APIResourceList>, cancellationToken: cancellationToken);
            kinds.AddRange((resources.Resources ?? [])
                .Where(static resource => resource is { Name: { } name, Verbs: { } verbs }
                    && !name.Contains('/', StringComparison.Ordinal)
                    && verbs.Contains("list", StringComparer.Ordinal)
                    && verbs.Contains("watch", StringComparer.Ordinal))
                .Select(resource => new EntityType(group.Name, version, resource.Kind, resource.Name, resource.Namespaced)));
        }

        return kinds;
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private static byte[] Bytes(JsonObject node) => Encoding.UTF8.GetBytes(node.ToJsonString());

    private static ValueTask<T> ReadAsync<T>(Stream body, CancellationToken cancellationToken) => ReadAsync<T, T>(
        async () => await JsonSerializer.DeserializeAsync(body, KubernetesJson.Contract<T>(), cancellationToken) ?? throw new JsonException("it is null"));

    private static async ValueTask<TAnswer> ReadAsync<T, TAnswer>(Func<ValueTask<TAnswer>> read)
    {
        try
        {
            return await read();
        }
        catch (JsonException exception)
        {
            throw new KubernetesException(
                StatusReason.Unknown,
                $"the server's {typeof(T).Name} cannot be read: {exception.Message}",
                exception);
        }
    }

    private static EntityType TypeOf<T>(ListQuery query)
        where T : IKubernetesObject => query.MetadataOf ?? EntityType.Of<T>();

    private QueryString Manager() => new QueryString().Add("fieldManager", _fieldManager);

    private async Task<T> PutAsync<T>(T entity, string? subresource, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var name = NamespacedName.Of(entity);
        var path = EntityType.Of<T>().Path(name.Namespace, name.Name, subresource);
        var body = Bytes(KubernetesJson.ToNode(entity));
        return await _connection.SendAsync(HttpMethod.Put, path, Manager(), ReadAsync<T>, body, cancellationToken: cancellationToken);
    }

    private async Task<T> PatchAsync<T>(
        NamespacedName name,
        string? subresource,
        byte[] body,
        string contentType,
        QueryString parameters,
        CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var path = EntityType.Of<T>().Path(name.Namespace, name.Name, subresource);
        return await _connection.SendAsync(
            HttpMethod.Patch,
            path,
            parameters,
            ReadAsync<T>,
            body,
            contentType,
            cancellationToken: cancellationToken);
    }

    private async Task<ApplyResult<T>> ApplyAsync<T>(
        NamespacedName name,
        string? subresource,
        JsonObject document,
        bool force,
        CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            var parameters = Manager().Add("force", force ? "true" : "false");
            return new ApplyResult<T>.Applied(
                await PatchAsync<T>(name, subresource, Bytes(document), ApplyPatch, parameters, cancellationToken));
        }
        catch (KubernetesException exception) when (FieldConflicts.In(exception) is { Count: > 0 } conflicts)
        {
            return new ApplyResult<T>.Conflicted(conflicts);
        }
    }

    private async Task<ResourceList<T>> ListPagesAsync<T>(ListQuery query, int? pageSize, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var path = TypeOf<T>(query).Path(query.Namespace);
        var accept = query.MetadataOf is null ? null : MetadataList;
        var items = new List<T>();
        string? next = null;
        while (true)
        {
            var parameters = new QueryString().AddSelection(query);
            if (query.ResourceVersion is not null)
            {
                // Paging would make the API server read the store although it has the answer in memory.
                _ = parameters.Add("resourceVersion", query.ResourceVersion);
            }
            else if (pageSize is { } size)
            {
                _ = parameters.Add("limit", size.ToString(CultureInfo.InvariantCulture)).Add("continue", next);
            }

            var page = await _connection.SendAsync(
                HttpMethod.Get,
                path,
                parameters,
                static (body, cancellationToken) => ReadAsync<T, ListPage<T>>(() => ListPage<T>.ReadAsync(body, cancellationToken)),
                accept: accept,
                cancellationToken: cancellationToken);
            items.AddRange(page.Items);
            next = page.Metadata.Continue;
            if (string.IsNullOrEmpty(next))
            {
                return new ResourceList<T>(items, page.Metadata.ResourceVersion);
            }
        }
    }
}
