using System.Runtime.InteropServices;
using System.Text;

using static OnCache.Agent.Net.NetlinkNative;

namespace OnCache.Agent.Net.Netfilter;

/// <summary>Legacy iptables of one network namespace: that of the thread that made this object. Not for two threads at once.</summary>
internal sealed unsafe class LegacyXtables : IDisposable
{
    private const int AF_INET = 2;
    private const int SOL_IP = 0;
    private const int SOCK_DGRAM = 2;
    private const int IPT_SO_GET_INFO = 64;
    private const int IPT_SO_GET_ENTRIES = 65;
    private const int InformationLength = 84;
    private const int NameLength = 32;
    private const int EntriesAt = 40;
    private const int Hooks = 5;

    // Above it a table is not read: about as much as 100,000 rules take.
    private const int LargestTable = 64 * 1024 * 1024;

    // Packets of every way meet it: unread, it stands for tables of which not even the names are known.
    private const string Unnamed = "mangle";

    private readonly string _names;
    private string? _unnamed;
    private NetlinkHandle? _socket;
    private byte[] _buffer = [];

    /// <param name="names">The file in which the kernel lists the tables.</param>
    internal LegacyXtables(string names) => _names = names;

    public static LegacyXtables Open() => new("/proc/thread-self/net/ip_tables_names");

    /// <summary>
    /// The tables that somebody uses. Only these may be read: the kernel makes a table that is asked for, and hooks it in. Where they cannot be
    /// listed, one that all packets meet and that <see cref="Read"/> does not read either.
    /// </summary>
    public IReadOnlyList<string> Names()
    {
        _unnamed = null;
        try
        {
            return File.ReadAllLines(_names);
        }
        catch (Exception none) when (none is FileNotFoundException or DirectoryNotFoundException)
        {
            // The kernel has no legacy iptables.
            return [];
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            _unnamed = refused.Message;
            return [Unnamed];
        }
    }

    /// <summary>A table as it is now.</summary>
    /// <param name="hooks">Where each built-in chain begins, by NF_INET_*; null where it has none.</param>
    /// <param name="entries">The entries, valid until the next call.</param>
    /// <returns>Why it could not be read; null where it was.</returns>
    public string? Read(string name, out IReadOnlyList<int?> hooks, out ReadOnlySpan<byte> entries)
    {
        hooks = [];
        entries = default;
        if (_unnamed is not null)
        {
            return _unnamed;
        }

        _socket ??= socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (_socket.IsInvalid)
        {
            var errno = Marshal.GetLastPInvokeError();
            _socket.Dispose();
            _socket = null;
            return $"no socket: {Marshal.GetPInvokeErrorMessage(errno)}";
        }

        const int MostTries = 8;
        for (var attempt = 0; attempt < MostTries; attempt++)
        {
            var information = stackalloc byte[InformationLength];
            new Span<byte>(information, InformationLength).Clear();
            Encoding.ASCII.GetBytes(name, new Span<byte>(information, NameLength - 1));
            var length = (uint)InformationLength;
            if (getsockopt(_socket, SOL_IP, IPT_SO_GET_INFO, information, &length) != 0)
            {
                return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
            }

            var valid = *(uint*)(information + NameLength);
            var size = *(uint*)(information + 80);
            if (size > LargestTable)
            {
                return $"{size} octets of rules";
            }

            if (_buffer.Length < EntriesAt + size)
            {
                _buffer = GC.AllocateUninitializedArray<byte>((int)(EntriesAt + size));
            }

            // The kernel leaves out what follows a name in its field: what was read before would be taken for a part of the rule.
            _buffer.AsSpan(0, (int)(EntriesAt + size)).Clear();
            fixed (byte* buffer = _buffer)
            {
                Encoding.ASCII.GetBytes(name, new Span<byte>(buffer, NameLength - 1));
                *(uint*)(buffer + NameLength) = size;
                length = EntriesAt + size;
                if (getsockopt(_socket, SOL_IP, IPT_SO_GET_ENTRIES, buffer, &length) != 0)
                {
                    // It was replaced between the two.
                    if (Marshal.GetLastPInvokeError() == EAGAIN)
                    {
                        continue;
                    }

                    return Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
                }
            }

            var starts = new int?[Hooks];
            for (var hook = 0; hook < Hooks; hook++)
            {
                starts[hook] = (valid & 1u << hook) != 0 ? (int)*(uint*)(information + NameLength + 4 + 4 * hook) : null;
            }

            hooks = starts;
            entries = _buffer.AsSpan(EntriesAt, (int)size);
            return null;
        }

        return "it changed during each of several reads";
    }

    /// <inheritdoc/>
    public void Dispose() => _socket?.Dispose();
}
