using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OnCache.Kubernetes.Serialization;

/// <summary>A field that takes a number or a name, such as a port.</summary>
[JsonConverter(typeof(IntOrStringConverter))]
public readonly record struct IntOrString
{
    private readonly int _number;
    private readonly string? _text;

    /// <summary>A number.</summary>
    public IntOrString(int number) => _number = number;

    /// <summary>A text.</summary>
    public IntOrString(string text) => _text = text;

    /// <summary>The number, or <see langword="null"/> if it is a text.</summary>
    public int? Number => _text is null ? _number : null;

    /// <summary>The text, or <see langword="null"/> if it is a number.</summary>
    public string? Text => _text;

    /// <summary>Either, as text.</summary>
    public override string ToString() => _text ?? _number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Writes a number as a number and a text as a text.</summary>
internal sealed class IntOrStringConverter : JsonConverter<IntOrString>
{
    public override IntOrString Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.Number => new IntOrString(reader.GetInt32()),
            JsonTokenType.String => new IntOrString(reader.GetString()!),
            _ => throw new JsonException("expected a number or a text"),
        };

    public override void Write(Utf8JsonWriter writer, IntOrString value, JsonSerializerOptions options)
    {
        if (value.Number is { } number)
        {
            writer.WriteNumberValue(number);
        }
        else
        {
            writer.WriteStringValue(value.Text);
        }
    }
}
