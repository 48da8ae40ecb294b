using System.Collections;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api.Tests;

/// <summary>Times in what OnCache writes to the API read as Kubernetes' own do: in UTC, by a Z, to the second or the microsecond.</summary>
public sealed class TimeTests
{
    private static readonly DateTimeOffset s_sample = new DateTimeOffset(2026, 11, 26, 18, 24, 18, TimeSpan.FromHours(2)).AddTicks(1_234_567);

    [Theory]
    [InlineData(
        typeof(V1Alpha1OverlayCachePolicy),
        "Condition.lastTransitionTime 2026-11-26T16:24:18Z, V1ObjectMeta.creationTimestamp 2026-11-26T16:24:18Z, V1ObjectMeta.deletionTimestamp 2026-11-26T16:24:18Z")]
    [InlineData(
        typeof(V1Alpha1NodeCacheConfig),
        "Condition.lastTransitionTime 2026-11-26T16:24:18Z, NodeCacheConfigStatus.agentStartedAt 2026-11-26T16:24:18Z, NodeFlush.at 2026-11-26T16:24:18Z, "
            + "V1ObjectMeta.creationTimestamp 2026-11-26T16:24:18Z, V1ObjectMeta.deletionTimestamp 2026-11-26T16:24:18Z")]
    [InlineData(
        typeof(Eventsv1Event),
        "Eventsv1Event.eventTime 2026-11-26T16:24:18.123456Z, V1EventSeries.lastObservedTime 2026-11-26T16:24:18.123456Z, "
            + "V1ObjectMeta.creationTimestamp 2026-11-26T16:24:18Z, V1ObjectMeta.deletionTimestamp 2026-11-26T16:24:18Z")]
    [InlineData(
        typeof(V1Lease),
        "V1LeaseSpec.acquireTime 2026-11-26T16:24:18.123456Z, V1LeaseSpec.renewTime 2026-11-26T16:24:18.123456Z, "
            + "V1ObjectMeta.creationTimestamp 2026-11-26T16:24:18Z, V1ObjectMeta.deletionTimestamp 2026-11-26T16:24:18Z")]
    public void Every_time_in_what_is_written_reads_as_Kubernetes_writes_it(Type kind, string expected)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        Collect(kind, [], found);

        string.Join(", ", found).ShouldBe(expected);
    }

    [Theory]
    [InlineData("\"2026-11-26T16:24:18Z\"")]
    [InlineData("\"2026-11-26T16:24:18+00:00\"")]
    [InlineData("\"2026-11-26T18:24:18+02:00\"")]
    public void Times_are_read_in_whatever_form_they_were_written(string json) =>
        JsonSerializer.Deserialize<DateTimeOffset>(json, KubernetesJson.Options).ShouldBe(new DateTimeOffset(2026, 11, 26, 16, 24, 18, TimeSpan.Zero));

    /// <summary>Adds the sample as each time in a type, and in the types of its fields, is written.</summary>
    private static void Collect(Type type, HashSet<Type> seen, SortedSet<string> found)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (!seen.Add(type))
        {
            return;
        }

        if (type.IsGenericType && typeof(IEnumerable).IsAssignableFrom(type))
        {
            foreach (var argument in type.GetGenericArguments())
            {
                Collect(argument, seen, found);
            }

            return;
        }

        foreach (var field in KubernetesJson.Options.GetTypeInfo(type).Properties.Where(static field => !IsReadOnly(field)))
        {
            if ((Nullable.GetUnderlyingType(field.PropertyType) ?? field.PropertyType) == typeof(DateTimeOffset))
            {
                found.Add($"{type.Name}.{field.Name} {Written(ConverterOf(field))}");
            }
            else
            {
                Collect(field.PropertyType, seen, found);
            }
        }

        static bool IsReadOnly(JsonPropertyInfo field) =>
            field.AttributeProvider!.IsDefined(typeof(JsonIgnoreAttribute), inherit: false);
    }

    private static JsonConverter ConverterOf(JsonPropertyInfo field) =>
        field.AttributeProvider!.GetCustomAttributes(typeof(JsonConverterAttribute), inherit: false) is [JsonConverterAttribute { ConverterType: { } own }]
            ? (JsonConverter)Activator.CreateInstance(own)!
            : KubernetesJson.Options.GetConverter(typeof(DateTimeOffset));

    private static string Written(JsonConverter converter)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            ((JsonConverter<DateTimeOffset>)converter).Write(writer, s_sample, KubernetesJson.Options);
        }

        return Encoding.UTF8.GetString(buffer.ToArray()).Trim('"');
    }
}
