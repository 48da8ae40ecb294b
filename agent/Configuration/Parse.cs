using OnCache.Kubernetes.Serialization;

namespace OnCache.Agent.Configuration;

/// <summary>The outcome of understanding one scalar.</summary>
/// <param name="Read">Whether it was understood.</param>
/// <param name="Value">What it means.</param>
/// <param name="Message">When it was not understood, the value, what is wrong and what would be right.</param>
internal readonly record struct Parse<T>(bool Read, T? Value, string Message);

/// <summary>The scalars of the configuration that are more than text and numbers.</summary>
internal static class Parse
{
    public static Parse<TimeSpan> Duration(string text) => GoDuration.TryParse(text, out var duration)
        ? Good(duration)
        : Bad<TimeSpan>($"{text} is not a duration; use numbers with the units h, m, s or ms, such as 30s or 500ms");

    public static Parse<Api.Ipv4Cidr> Cidr(string text) => Api.Ipv4Cidr.TryParse(text, out var cidr, out var expected)
        ? Good(cidr)
        : Bad<Api.Ipv4Cidr>($"{text} is not accepted; {expected}");

    public static Parse<System.Net.IPAddress> Address(string text) => Api.Ipv4Notation.TryParse(text, out var address)
        ? Good(address)
        : Bad<System.Net.IPAddress>($"{text} is not an IPv4 address; use one such as 10.244.1.2");

    /// <summary>One text and no other.</summary>
    public static Func<string, Parse<string>> Exactly(string expected) => text => string.Equals(text, expected, StringComparison.Ordinal)
        ? Good(text)
        : Bad<string>($"{text} is unknown; use {expected}");

    /// <summary>One of the names of an enumeration, spelled as the API spells it.</summary>
    public static Func<string, Parse<T>> OneOf<T>(params (string Name, T Value)[] choices) => text =>
    {
        foreach (var (name, value) in choices)
        {
            if (string.Equals(name, text, StringComparison.Ordinal))
            {
                return Good(value);
            }
        }

        var names = choices.Select(choice => choice.Name).ToArray();
        return Bad<T>($"{text} is unknown; use {string.Join(", ", names[..^1])} or {names[^1]}");
    };

    private static Parse<T> Good<T>(T value) => new(Read: true, value, "");

    private static Parse<T> Bad<T>(string message) => new(Read: false, default, message);
}
