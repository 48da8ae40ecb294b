using System.Text.Json;
using System.Text.Json.Serialization;

namespace OnCache.Kubernetes.Serialization;

/// <summary>A <see cref="TimeSpan"/> in Kubernetes' notation for durations.</summary>
internal sealed class DurationConverter : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString();
        return GoDuration.TryParse(text, out var duration)
            ? duration
            : throw new JsonException($"\"{text}\" is not a duration such as 30s or 1m30s");
    }

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteStringValue(GoDuration.Format(value));
}
