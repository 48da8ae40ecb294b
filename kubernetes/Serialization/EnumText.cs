using System.Text.Json.Serialization;

namespace OnCache.Kubernetes.Serialization;

/// <summary>An enumeration by its names, and by nothing else.</summary>
/// <typeparam name="T">The enumeration.</typeparam>
public sealed class EnumText<T>() : JsonStringEnumConverter<T>(namingPolicy: null, allowIntegerValues: false)
    where T : struct, Enum;
