using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace OnCache.Kubernetes.Serialization;

/// <summary>
/// Finds a type's contract among those of its assembly. What is no assembly's own, such as a list of texts, is looked for among those of all that were
/// asked for so far and of what it holds: every assembly's contracts hold all that its types consist of.
/// </summary>
internal sealed class AssemblyContracts : IJsonTypeInfoResolver
{
    private readonly ConcurrentDictionary<Assembly, IJsonTypeInfoResolver?> _known = new()
    {
        [typeof(AssemblyContracts).Assembly] = KubernetesContracts.Default,
    };

    public JsonTypeInfo? GetTypeInfo(Type type, JsonSerializerOptions options)
    {
        var own = OfAssembly(type);
        return own is not null && !type.IsGenericType && !type.IsArray
            ? own.GetTypeInfo(type, options)
            : _known.Values.Select(contracts => contracts?.GetTypeInfo(type, options)).FirstOrDefault(static contract => contract is not null);
    }

    private IJsonTypeInfoResolver? OfAssembly(Type type)
    {
        foreach (var part in type.GetGenericArguments().Append(type.GetElementType()).OfType<Type>())
        {
            _ = OfAssembly(part);
        }

        return _known.GetOrAdd(type.Assembly, static assembly => assembly.GetCustomAttribute<JsonContractsAttribute>()?.Contracts);
    }
}
