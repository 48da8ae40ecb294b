using System.Buffers;
using System.Globalization;
using System.Text;

namespace OnCache.Kubernetes.Serialization;

/// <summary>Durations as Kubernetes writes them: numbers with the units h, m, s and ms, such as <c>1m30s</c>.</summary>
public static class GoDuration
{
    /// <summary>What <see cref="TryParse"/> accepts, as a pattern for schemas.</summary>
    public const string Pattern = @"^([0-9]{1,9}(\.[0-9]{1,3})?(h|m|s|ms))+$";

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>Reads a duration that is not negative, down to whole milliseconds.</summary>
    /// <returns>Whether <paramref name="text"/> is a duration; <paramref name="duration"/> is zero when it is not.</returns>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        var total = 0m;
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var number = rest.IndexOfAnyExcept(NumberCharacters);
            var end = number < 0 ? -1 : rest[number..].IndexOfAny(NumberCharacters);
            var unit = number < 0 ? string.Empty : end < 0 ? rest[number..] : rest.Slice(number, end);
            var scale = unit switch { "h" => 3_600_000m, "m" => 60_000m, "s" => 1000m, "ms" => 1m, _ => 0m };
            if (scale == 0
                || number > 13
                || !decimal.TryParse(rest[..number], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
            {
                return false;
            }

            total += value * scale;
            rest = rest[(number + unit.Length)..];
        }

        if (total != decimal.Truncate(total) || total > (decimal)TimeSpan.MaxValue.TotalMilliseconds - 1)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)total * TimeSpan.TicksPerMillisecond);
        return true;
    }

    /// <summary>Writes a duration so that <see cref="TryParse"/> reads it back; parts of a millisecond are dropped.</summary>
    public static string Format(TimeSpan duration)
    {
        var rest = duration.Ticks / TimeSpan.TicksPerMillisecond;
        var text = new StringBuilder();
        foreach (var (unit, size) in (ReadOnlySpan<(string, long)>)[("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)])
        {
            if (rest >= size)
            {
                _ = text.Append(CultureInfo.InvariantCulture, $"{rest / size}{unit}");
                rest %= size;
            }
        }

        return text.Length == 0 ? "0s" : text.ToString();
    }
}
