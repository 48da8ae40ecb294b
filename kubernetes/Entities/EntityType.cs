using System.Reflection;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Kubernetes.Entities;

/// <summary>Where a kind lives in the API.</summary>
/// <param name="Group">The API group; empty for the core group.</param>
/// <param name="Version">The version, such as <c>v1</c>.</param>
/// <param name="Kind">The kind.</param>
/// <param name="Plural">The plural used in paths.</param>
/// <param name="Namespaced">Whether objects live in a namespace.</param>
public sealed record EntityType(string Group, string Version, string Kind, string Plural, bool Namespaced)
{
    /// <summary><c>group/version</c>, or the version alone for the core group.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>Reads the attributes of <typeparamref name="T"/>.</summary>
    /// <exception cref="InvalidOperationException">The type does not say its kind.</exception>
    public static EntityType Of<T>()
        where T : IKubernetesObject => Known<T>.Value;

    /// <summary>Reads the attributes of <paramref name="type"/>.</summary>
    /// <exception cref="InvalidOperationException">The type does not say its kind.</exception>
    public static EntityType Of(Type type) => Read(type);

    /// <summary>The path of the collection, of one object, or of a subresource of it.</summary>
    /// <param name="namespace">The namespace; <see langword="null"/> for all of them or for cluster-scoped kinds.</param>
    /// <param name="name">The object; <see langword="null"/> for the collection.</param>
    /// <param name="subresource">Such as <c>status</c>.</param>
    internal string Path(string? @namespace, string? name = null, string? subresource = null)
    {
        if (!Namespaced && @namespace is not null)
        {
            throw new ArgumentException($"{Kind} is cluster-scoped, but namespace \"{@namespace}\" was given", nameof(@namespace));
        }

        if (Namespaced && name is not null && string.IsNullOrEmpty(@namespace))
        {
            throw new ArgumentException($"{Kind} \"{name}\" needs a namespace", nameof(@namespace));
        }

        var root = Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}";
        var home = @namespace is null ? string.Empty : $"/namespaces/{Uri.EscapeDataString(@namespace)}";
        var item = name is null ? string.Empty : $"/{Uri.EscapeDataString(name)}";
        var part = subresource is null ? string.Empty : $"/{subresource}";
        return $"{root}{home}/{Plural}{item}{part}";
    }

    private static EntityType Read(Type type)
    {
        var entity = type.GetCustomAttribute<KubernetesEntityAttribute>()
            ?? throw new InvalidOperationException($"{type}: no [KubernetesEntity] attribute says its group, version and kind");
        var kind = entity.Kind.Length == 0 ? type.Name : entity.Kind;
        var version = entity.ApiVersion.Length == 0 ? "v1" : entity.ApiVersion;
        var plural = entity.PluralName ?? Pluralize(kind.ToLowerInvariant());
        var scope = type.GetCustomAttribute<EntityScopeAttribute>()?.Scope ?? EntityScope.Namespaced;
        return new EntityType(entity.Group, version, kind, plural, scope == EntityScope.Namespaced);
    }

    // The English rules Kubernetes' own kinds follow: policy -> policies, ingress -> ingresses, pod -> pods.
    private static string Pluralize(string kind) => kind switch
    {
        _ when kind.EndsWith('y') && kind.Length > 1 && !"aeiou".Contains(kind[^2], StringComparison.Ordinal) => $"{kind[..^1]}ies",
        _ when kind.EndsWith('s') || kind.EndsWith('x') || kind.EndsWith("ch", StringComparison.Ordinal) => $"{kind}es",
        _ => $"{kind}s",
    };

    private static class Known<T>
        where T : IKubernetesObject
    {
        public static readonly EntityType Value = Read(typeof(T));
    }
}
